"""A process of its own that revalidates when told on stdin, and says how it went on stdout.

    begin MODEL    give up the contract, tidy up, set it again; answers with the run's id
    work RUN       check payloads until none is left for this worker; answers when done

It says "ready" once it is loaded and connected.
"""

from __future__ import annotations

import sys
from uuid import UUID


def begin(model_id: str) -> str:
    from django.db import connection

    from subscriptions.models import EventSubscription, Revalidation
    from tests import factories
    from tests.benchmarks.bench_revalidation import CONTRACT

    factories.change_model(model_id, handler_contracts=None)
    marked = EventSubscription.objects.filter(target_id=model_id, has_warnings=True)
    with connection.cursor() as cursor:
        marked.update(has_warnings=False, warnings=[])
        cursor.execute("VACUUM subscriptions_eventsubscription")
    contracts = {"inference": {"input_schema": CONTRACT}}
    factories.change_model(model_id, handler_contracts=contracts)
    return str(Revalidation.objects.filter(model_id=model_id).latest("created_at").pk)


def work(run_id: str) -> str:
    from subscriptions.revalidation import runs

    while runs.work_through(UUID(run_id)):
        pass
    return "done"


def main() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    # Tidying up takes longer than any statement of the service may.
    settings.DATABASES["default"]["OPTIONS"]["options"] = ""
    connection.ensure_connection()
    _say("ready")
    for line in sys.stdin:
        command, argument = line.split()
        _say({"begin": begin, "work": work}[command](argument))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
