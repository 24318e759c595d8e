"""Checking stored payloads again after a contract changed, in the background."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from models_registry.db.transactions import transactional
from models_registry.models import Direction, InterfaceChange, Model
from models_registry.queue.sweeper import log_findings
from models_registry.services.lookups import lock_model
from subscriptions import wakeups
from subscriptions.models import OPEN_RUN, Revalidation, RevalidationStatus
from subscriptions.revalidation.chunks import (
    claim_stretch,
    count_total,
    count_try,
    give_back,
    give_up,
    lease,
    record_findings,
)
from subscriptions.revalidation.payloads import Examiner
from subscriptions.revalidation.writer_thread import Hand, other_hand

# After this time no further chunk is begun and a message for the rest is sent, so that other runs
# get their turn and a message is done long before the broker takes its worker for dead.
WORK_SECONDS = 20.0
# One more worker is woken for each so many payloads of a run, up to so many.
PAYLOADS_PER_WORKER = 50_000
WORKERS_AT_MOST = 8


def start_revalidations(model: Model, changes: Sequence[InterfaceChange]) -> list[Revalidation]:
    """Record a run for each action whose input changed; must be inside the update's transaction.

    Runs over an older interface end as superseded. What is written does not depend on how many
    subscriptions there are.
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
    # Every model has one from the day it was registered; the last is the present interface.
    [run] = start_revalidations(model, [inputs.latest("id")])
    return run


def work_through(run_id: UUID, *, seconds: float = WORK_SECONDS) -> bool:
    """Check the payloads of a run, chunk by chunk; True when time ran out before they did.

    Any number of workers may do so at once. False also when the rest is in the hands of others,
    or the run has ended or is not there. Must be outside a transaction.
    """
    ends_at = time.monotonic() + seconds
    run = Revalidation.objects.filter(pk=run_id, status__in=OPEN_RUN).first()
    if run is None:
        return False
    if time.monotonic() >= ends_at:
        # Whoever asked has no time left: others do it all, and meanwhile the total can be shown.
        _wake_others(run)
        return True
    with other_hand() as hand:
        return _work_with(hand, run, ends_at)


def _work_with(hand: Hand, run: Revalidation, ends_at: float) -> bool:
    """Check stretch after stretch; meanwhile `hand` records the last one and claims the next."""
    ahead, recorded = hand.submit(claim_stretch, run.pk), None
    woken = hand.submit(_wake_others, run)
    examiner: Examiner | None = None
    while (stretch := ahead.result()) is not None:
        if time.monotonic() >= ends_at:
            give_back(stretch)
            break
        if stretch.tries and recorded is not None:
            recorded.result()  # not to be lost with this worker, if it does not survive the stretch
        count_try(stretch)
        # Only now: if the contract kills whoever prepares it, that counts as a try.
        examiner = examiner or Examiner(run)
        ahead = hand.submit(claim_stretch, run.pk)
        while stretch is not None:
            findings = examiner.examine(stretch)
            if recorded is not None:
                recorded.result()  # raises what went wrong there
            is_over = time.monotonic() >= ends_at
            recorded = hand.submit(record_findings, stretch, findings, is_over=is_over)
            stretch = None if findings.reached == stretch.until else recorded.result()
    if recorded is not None:
        recorded.result()
    woken.result()  # raises what went wrong there; only now, since nothing above depends on it
    return stretch is not None


class Findings(TypedDict):
    """How many runs a sweep found that nobody had worked on for the time of a lease.

    `runs_waiting` never had a worker: their message was lost, or waits for one to be free.
    `runs_abandoned` have a chunk whose worker died, or a rest that nobody took over.
    `runs_failed` have a chunk that takes every worker with it, and were ended.
    """

    runs_waiting: int
    runs_abandoned: int
    runs_failed: int


def sweep() -> Findings:
    """Wake workers for runs that were left behind, and end those that can't be finished.

    At most SWEEP_BATCH of them; any number of sweeps may run at once. Must be outside a
    transaction: it publishes messages.
    """
    due = Revalidation.objects.filter(due_at__lte=Now()).order_by("due_at")
    found = dict(due.values_list("pk", "status")[: settings.SWEEP_BATCH])
    failed = [run_id for run_id in found if give_up(run_id)]
    run_ids = [run_id for run_id in found if run_id not in failed]
    # Not at every sweep: the message may only be waiting for a worker to be free.
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
    """Count what a run has to check, unless that is done, and wake workers to share it if much."""
    if run.total is not None:
        return
    total = count_total(run)
    for _ in range(min(total // PAYLOADS_PER_WORKER, WORKERS_AT_MOST - 1)):
        wakeups.publish_run_wakeup(run.pk)
