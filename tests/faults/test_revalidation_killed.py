"""A worker killed in the middle of a revalidation: nothing lost, nothing counted twice (F4)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now

from subscriptions.models import EventSubscription, Revalidation
from subscriptions.revalidation import chunks, runs
from tests import factories
from tests.faults.processes import environment, stopped, wait_for, worker

pytestmark = pytest.mark.django_db(transaction=True)

TARGET, SOURCE = "target", "source"
CHUNK = 10
NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}
# A worker of small chunks that says when it has come to the second one's MOMENT, and waits there.
WORKER = """
import sys
from uuid import UUID
import django
django.setup()
from subscriptions.revalidation import chunks, runs
chunks.CHUNK_ROWS = int(sys.argv[2])
moment, calls = sys.argv[3], 0

def stop_at_the_second(function):
    def wrapper(*args, **kwargs):
        global calls
        result = function(*args, **kwargs)
        calls += 1
        if calls == 2:
            print("there", flush=True)
            sys.stdin.readline()
        return result
    return wrapper

module = chunks if moment == "write_warnings" else runs
setattr(module, moment, stop_at_the_second(getattr(module, moment)))
runs.work_through(UUID(sys.argv[1]))
"""


@pytest.fixture
def subscribers() -> Iterator[int]:
    """Make 45 subscribers, nine of whom will not fit; returns how many."""
    factories.make_active_model(TARGET, handler_contracts=None)
    factories.make_active_model(SOURCE, handler_contracts=None)
    for number in range(45):
        factories.make_subscription(
            SOURCE,
            TARGET,
            input_source="stored",
            target_action="inference",
            input={"x": number} if number % 5 else {},
        )
    return 45


def _tighten() -> Revalidation:
    factories.change_model(TARGET, handler_contracts=NEEDS_X)
    return Revalidation.objects.get(action="inference")


@contextmanager
def _stopped(run: Revalidation, moment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a worker until it has come to `moment` of its second chunk."""
    where = {"REVALIDATION_LEASE_SECONDS": "1", **_database()}
    with stopped(WORKER, str(run.pk), str(CHUNK), moment, **where) as process:
        yield process


def _database() -> dict[str, str]:
    """Return what a process needs in its environment where the test's database is a file."""
    is_file = connection.vendor == "sqlite"
    return {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}"} if is_file else {}


def _assert_done(run: Revalidation, total: int, invalid: int) -> None:
    run.refresh_from_db()
    found = (run.status, run.total, run.checked, run.invalid)
    assert found == ("success", total, total, invalid)
    assert not run.chunks.exists()
    for subscription in EventSubscription.objects.all():
        assert subscription.has_warnings == ("x" not in subscription.input)
        assert bool(subscription.warnings) == subscription.has_warnings


@pytest.mark.parametrize(
    ("moment", "recorded"),
    # The second chunk is claimed while the first is being checked.
    [("claim_chunk", 0), ("write_warnings", CHUNK), ("record_findings", 2 * CHUNK)],
)
def test_the_chunk_of_a_killed_worker_is_taken_again(subscribers, moment, recorded, monkeypatch):
    """Killed with a chunk claimed, inside the transaction that records it, and just after."""
    run = _tighten()
    with _stopped(run, moment) as process:
        process.kill()
        process.wait()
    run.refresh_from_db()
    assert (run.status, run.checked) == ("running", recorded)

    woken: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", woken.append)
    wait_for(lambda: any(runs.sweep().values()) and run.pk in woken, seconds=10)
    runs.work_through(run.pk)
    _assert_done(run, subscribers, 9)


# A worker that does not survive the check of one payload, as after a fault in native code.
POISONED = """
import os, signal, sys
from uuid import UUID
import django
django.setup()
from subscriptions.revalidation import chunks, payloads, runs
chunks.CHUNK_ROWS = int(sys.argv[2])
examine, poison = payloads.Examiner.examine, UUID(sys.argv[3])

def examine_or_die(self, chunk):
    if (chunk.after is None or chunk.after < poison) and poison <= chunk.until:
        os.kill(os.getpid(), signal.SIGKILL)
    return examine(self, chunk)

payloads.Examiner.examine = examine_or_die
runs.work_through(UUID(sys.argv[1]))
"""


def test_a_payload_that_kills_every_worker_ends_its_run_and_the_others_are_checked(
    subscribers, monkeypatch
):
    """F3: no endless redelivery."""
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)
    run = _tighten()
    ids = list(EventSubscription.objects.order_by("pk").values_list("pk", flat=True))
    command = [sys.executable, "-c", POISONED, str(run.pk), str(CHUNK), str(ids[CHUNK + 5])]
    killed = 0
    while Revalidation.objects.get(pk=run.pk).status != "failed":
        ended = subprocess.run(
            command, env=environment(REVALIDATION_LEASE_SECONDS="1", **_database()), timeout=60
        )
        killed += ended.returncode != 0
        assert killed <= chunks.ATTEMPTS_LIMIT
        wait_for(lambda: any(runs.sweep().values()), seconds=10)

    run.refresh_from_db()
    assert (killed, run.checked) == (chunks.ATTEMPTS_LIMIT, subscribers - CHUNK)
    assert str(ids[2 * CHUNK - 1]) in run.error
    for place, pk in enumerate(ids):
        subscription = EventSubscription.objects.get(pk=pk)
        is_checked = not CHUNK <= place < 2 * CHUNK
        assert subscription.has_warnings == (is_checked and "x" not in subscription.input)


def test_a_worker_that_comes_back_after_its_lease_records_nothing(subscribers):
    """It was only slow: another has taken its chunk by then."""
    run = _tighten()
    with _stopped(run, "claim_chunk") as process:
        wait_for(lambda: not run.chunks.filter(lease_until__gt=Now()).exists(), seconds=10)
        runs.work_through(run.pk)
        _assert_done(run, subscribers, 9)
        process.communicate("go on\n", timeout=30)
        assert process.returncode == 0
    _assert_done(run, subscribers, 9)


@pytest.mark.postgres
@pytest.mark.redis
def test_real_workers_take_over_from_one_that_is_killed(subscribers, tmp_path):
    """The whole way: update, message, Celery worker, kill -9, beat's sweep, another worker."""
    with connection.cursor() as cursor:
        table = EventSubscription._meta.db_table
        names = [field.column for field in EventSubscription._meta.concrete_fields]
        values = ["gen_random_uuid()" if name == "id" else name for name in names]
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
            f" FROM {table}, generate_series(1, 2000)"
        )
    total = EventSubscription.objects.count()
    runs = Revalidation.objects.filter(action="inference")
    quick = {"REVALIDATION_LEASE_SECONDS": "2"}
    run = _tighten()
    with worker(tmp_path, **quick) as first:
        wait_for(lambda: runs.filter(checked__gt=0).exists())
        first.kill()
    run.refresh_from_db()
    assert run.status == "running"
    assert run.checked < total
    with worker(tmp_path, **quick):
        wait_for(lambda: runs.filter(status="success").exists(), seconds=60)

    _assert_done(run, total, total // 5)
