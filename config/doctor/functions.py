"""Whether this host may call the handlers of active models, by dry runs: nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from django.conf import settings

from config.doctor.findings import Finding, problem, warning, well
from models_registry.handlers import Refusal, handler_for
from models_registry.models import Model, ModelStatus

# So many functions are asked about, so many at a time.
FUNCTIONS_AT_MOST = 100
AT_A_TIME = 8

HandlerDict = dict[str, Any]


def examine() -> Iterator[Finding]:
    """Ask about each distinct function, and name those that can't be invoked."""
    if settings.EMBEDDED and not settings.LAMBDA_ENDPOINT_URL:
        yield well("functions", "They run inside `manage.py serve`.")
        return
    found = list(islice(_distinct(), FUNCTIONS_AT_MOST + 1))
    asked = found[:FUNCTIONS_AT_MOST]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        refusals = list(pool.map(_ask, asked))
    yield from (problem("functions", *refusal) for refusal in refusals if refusal is not None)
    if len(found) > len(asked):
        said = f"There are more than {FUNCTIONS_AT_MOST}; the others were not asked about."
        yield warning("functions", said, "Nothing, if these are alike.")
    allowed = refusals.count(None)
    said = f"{allowed} of {len(asked)} may be invoked." if asked else "No active model has one."
    yield well("functions", said)


def _distinct() -> Iterator[HandlerDict]:
    """Yield each handler that an active model's present or next version uses, once."""
    active = Model.objects.filter(status=ModelStatus.ACTIVE).order_by("pk")
    rows = active.values_list("handlers", "current_version__handlers")
    seen = set()
    for handlers in (each for row in rows.iterator() for each in row if each):
        for handler in handlers.values():
            key = frozenset(handler.items())
            if key not in seen:
                seen.add(key)
                yield handler


def _ask(handler: HandlerDict) -> Refusal | None:
    return handler_for(handler["type"]).dry_run(handler)
