"""Revalidation runs: stored payloads are checked again after a contract changed, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import connection, connections
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from models_registry.db.dialect import has_concurrent_writers
from models_registry.db.transactions import transactional
from models_registry.models import Direction, InterfaceChange, Model
from models_registry.queue.sweeper import log_findings
from models_registry.services.lookups import lock_model
from subscriptions import wakeups
from subscriptions.models import OPEN_RUN, Revalidation, RevalidationStatus
from subscriptions.revalidation.chunks import (
    claim_chunk,
    count_attempt,
    count_total,
    give_up,
    lease,
    record_findings,
    release,
)
from subscriptions.revalidation.payloads import Examiner

# After this time a worker starts no further chunk and requeues the run, so that other runs get
# their turn, and its message is acknowledged long before the broker delivers it again.
WORK_SECONDS = 20.0
# One more worker is woken for every so many payloads of a run, up to a limit.
PAYLOADS_PER_WORKER = 50_000
WORKERS_AT_MOST = 8


def start_revalidations(model: Model, changes: Sequence[InterfaceChange]) -> list[Revalidation]:
    """Record a run for each action whose input changed; must be inside the update's transaction.

    Open runs over an older interface end as superseded. The number of rows written does not depend
    on the number of subscriptions.
    """
    inputs = [change for change in changes if change.direction == Direction.INPUT]
    if not inputs:
        return []
    Revalidation.objects.filter(
        model=model, action__in=[change.action for change in inputs], status__in=OPEN_RUN
    ).update(status=RevalidationStatus.SUPERSEDED, due_at=None, finished_at=Now())
    runs = [
        Revalidation(
            model=model,
            action=change.action,
            fingerprint=change.fingerprint,
            schema=change.definition if change.is_schema else None,
            version=change.version,
            due_at=Now(),
            created_at=timezone.now(),
        )
        for change in inputs
    ]
    Revalidation.objects.bulk_create(runs)
    for run in runs:
        wakeups.wake_revalidators(run.pk)
    return runs


@transactional
def revalidate_again(*, model_id: str, action: str) -> Revalidation:
    """Start a run by hand over the present contract of an action; opens a transaction.

    An open run of the same action ends as superseded. Raises ModelNotFound.
    """
    model = lock_model(model_id)
    inputs = InterfaceChange.objects.filter(model=model, action=action, direction=Direction.INPUT)
    # Registering a model records one; the last is the present interface.
    [run] = start_revalidations(model, [inputs.latest("id")])
    return run


def work_through(run_id: UUID, *, seconds: float = WORK_SECONDS) -> bool:
    """Check the payloads of a run, chunk by chunk; returns whether time ran out before the end.

    Several workers may share a run. Returns False also when other workers have claimed the rest,
    and when the run has ended or does not exist. Must be outside a transaction.
    """
    ends_at = time.monotonic() + seconds
    run = Revalidation.objects.filter(pk=run_id, status__in=OPEN_RUN).first()
    if run is None:
        return False
    if time.monotonic() >= ends_at:
        # The caller has no time left: workers do all of it, and the total can be shown meanwhile.
        _wake_others(run)
        return True
    with _writer_thread() as writer:
        return _work_with(writer, run, ends_at)


def _work_with(writer: _Writer, run: Revalidation, ends_at: float) -> bool:
    """Check chunk after chunk; meanwhile `writer` records the previous one and claims the next."""
    ahead, recorded = writer.submit(claim_chunk, run.pk), None
    woken = writer.submit(_wake_others, run)
    examiner: Examiner | None = None
    while (chunk := ahead.result()) is not None:
        if time.monotonic() >= ends_at:
            release(chunk)
            break
        if chunk.attempts and recorded is not None:
            recorded.result()  # kept even if this worker does not survive the chunk
        count_attempt(chunk)
        # Only now: if compiling the contract kills the worker, that counts as an attempt.
        examiner = examiner or Examiner(run)
        ahead = writer.submit(claim_chunk, run.pk)
        while chunk is not None:
            findings = examiner.examine(chunk)
            if recorded is not None:
                recorded.result()  # raises its exception
            time_is_up = time.monotonic() >= ends_at
            recorded = writer.submit(record_findings, chunk, findings, time_is_up=time_is_up)
            chunk = None if findings.reached == chunk.until else recorded.result()
    if recorded is not None:
        recorded.result()
    woken.result()  # raises its exception; only now, since nothing above depends on it
    return chunk is not None


class _Writer(Protocol):
    """Runs functions one after the other, in the order in which they are submitted."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]: ...


@contextmanager
def _writer_thread() -> Iterator[_Writer]:
    """Yield a thread that writes while the caller checks; waits at the end for all of its work.

    The thread has a database connection of its own. The caller does everything itself on SQLite,
    which has one writer at a time, and inside a transaction, which no other connection can see.
    """
    if not has_concurrent_writers() or connection.in_atomic_block:
        yield _InlineWriter()
        return
    with ThreadPoolExecutor(1, thread_name_prefix="recorder") as pool:
        try:
            yield pool
        finally:
            pool.submit(connections.close_all)


class _InlineWriter:
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*args, **kwargs))
        return done


class Findings(TypedDict):
    """How many runs a sweep found on which no worker has worked for the time of a lease.

    `runs_waiting` never had a worker: their message was lost, or waits for a free worker.
    `runs_abandoned` have a chunk whose worker died, or a rest that no worker took over.
    `runs_failed` have a chunk that kills every worker, and were ended.
    """

    runs_waiting: int
    runs_abandoned: int
    runs_failed: int


def sweep() -> Findings:
    """Wake workers for runs that no worker is at, and end those that can't be finished.

    Takes at most SWEEP_BATCH of them; several sweeps may run at once. Must be outside a
    transaction: it publishes messages.
    """
    due = Revalidation.objects.filter(due_at__lte=Now()).order_by("due_at")
    found = dict(due.values_list("pk", "status")[: settings.SWEEP_BATCH])
    failed = [run_id for run_id in found if give_up(run_id)]
    run_ids = [run_id for run_id in found if run_id not in failed]
    # Not at every sweep: the message may still wait for a free worker.
    Revalidation.objects.filter(pk__in=run_ids, due_at__lte=Now()).update(due_at=lease())
    for run_id in run_ids:
        wakeups.publish_run_wakeup(run_id)
    waiting = sum(found[run_id] == RevalidationStatus.PENDING for run_id in run_ids)
    findings = Findings(
        runs_waiting=waiting, runs_abandoned=len(run_ids) - waiting, runs_failed=len(failed)
    )
    log_findings(findings)
    return findings


def _wake_others(run: Revalidation) -> None:
    """Count the payloads of a run, once, and wake more workers if there are many."""
    if run.total is not None:
        return
    total = count_total(run)
    for _ in range(min(total // PAYLOADS_PER_WORKER, WORKERS_AT_MOST - 1)):
        wakeups.publish_run_wakeup(run.pk)


class Progress(NamedTuple):
    """The progress of all open runs together."""

    runs: int
    total: int
    checked: int
    invalid: int


def open_progress() -> Progress:
    """Return the progress of the open runs, for metrics; a run without a total yet adds 0 to it."""
    open_runs = Revalidation.objects.filter(due_at__isnull=False, status__in=OPEN_RUN)
    sums = {name: Coalesce(Sum(name), 0) for name in ("total", "checked", "invalid")}
    return Progress(**open_runs.aggregate(runs=Count("pk"), **sums))
