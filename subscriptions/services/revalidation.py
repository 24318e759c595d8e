"""Checking stored payloads again after a contract changed, in the background."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from models_registry.models import Direction, InterfaceChange, Model
from subscriptions import hints
from subscriptions.models import OPEN_RUN, Revalidation, RevalidationStatus
from subscriptions.services.payloads import Examiner
from subscriptions.services.revalidation_chunks import (
    claim_stretch,
    count_total,
    lease,
    record_findings,
)

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
        hints.wake_revalidators(run.pk)
    return runs


def work_through(run_id: UUID, *, seconds: float = WORK_SECONDS) -> bool:
    """Check the payloads of a run, chunk by chunk; True when time ran out before they did.

    Any number of workers may do so at once. False also when the rest is in the hands of others,
    or the run has ended or is not there. Must be outside a transaction.
    """
    ends_at = time.monotonic() + seconds
    run = Revalidation.objects.filter(pk=run_id, status__in=OPEN_RUN).first()
    if run is None:
        return False
    if run.total is None:
        _wake_others(run)
    examiner = Examiner(run)
    while time.monotonic() < ends_at:
        stretch = claim_stretch(run.pk)
        if stretch is None:
            return False
        while stretch is not None:
            findings = examiner.examine(stretch)
            is_over = time.monotonic() >= ends_at
            stretch = record_findings(stretch, findings, is_over=is_over)
    return True


def sweep() -> int:
    """Wake workers for runs that nobody has worked on for the time of a lease; returns how many.

    Such a run waits for its first worker, whose message was lost, or has a chunk whose worker
    died. Must be outside a transaction: it publishes messages.
    """
    due = Revalidation.objects.filter(due_at__lte=Now()).order_by("due_at")
    run_ids = list(due.values_list("pk", flat=True)[: settings.SWEEP_BATCH])
    # Not at every sweep: the message may only be waiting for a worker to be free.
    Revalidation.objects.filter(pk__in=run_ids, due_at__lte=Now()).update(due_at=lease())
    for run_id in run_ids:
        hints.send_hint(run_id)
    return len(run_ids)


def _wake_others(run: Revalidation) -> None:
    """Count what a run has to check, and wake workers to share it if that is much."""
    total = count_total(run)
    for _ in range(min(total // PAYLOADS_PER_WORKER, WORKERS_AT_MOST - 1)):
        hints.send_hint(run.pk)
