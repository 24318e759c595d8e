"""The sweep: whatever a lost message, a dead worker or a silent handler left behind."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from models_registry import hints
from models_registry.models import Dispatch, IdempotencyRecord, Job, JobStatus
from models_registry.services.completion import JobAlreadyFinished, end_job

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    """How many rows one sweep put right, by what had happened to them."""

    waiting: int
    lapsed_claims: int
    overdue: int


def sweep() -> Findings:
    """Find jobs that are due and put them right; at most SWEEP_BATCH of each kind.

    Each row is changed by a compare-and-set in a transaction of its own, so any number of
    sweeps may run at once. Must be outside a transaction: it publishes hints.
    """
    lapsed_claims = _release_lapsed_claims()
    overdue = _fail_overdue()
    waiting = _hint_waiting()
    return Findings(waiting=waiting, lapsed_claims=lapsed_claims, overdue=overdue)


def requeue_interrupted() -> int:
    """Queue again every call that was under way when the only process died; returns how many.

    For the embedded default, where handlers run inside the process and end with it: nothing may
    be running. Elsewhere claims lapse and handlers go on, and nobody else may say they did not.
    """
    interrupted = Job.objects.filter(dispatch__in=(Dispatch.CLAIMED, Dispatch.DISPATCHED))
    tried_enough = interrupted.filter(attempts__gte=settings.DISPATCH_MAX_ATTEMPTS)
    for job in tried_enough.select_related("version"):
        _fail_crashed(job, Q(dispatch=job.dispatch))
    return interrupted.update(dispatch=Dispatch.QUEUED, claim=None, due_at=Now())


def forget_old_answers() -> int:
    """Delete Idempotency-Key records past their time; at most a thousand. Returns how many."""
    too_old = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    ids = IdempotencyRecord.objects.filter(created_at__lt=too_old).values_list("pk", flat=True)
    deleted, _ = IdempotencyRecord.objects.filter(pk__in=list(ids[:1000])).delete()
    return deleted


def _due(dispatch: str) -> list[Job]:
    due = Job.objects.select_related("version").filter(dispatch=dispatch, due_at__lte=Now())
    return list(due.order_by("due_at")[: settings.SWEEP_BATCH])


def _release_lapsed_claims() -> int:
    """Queue again what a worker claimed and never recorded; the call may have been made."""
    released = 0
    for job in _due(Dispatch.CLAIMED):
        still = Q(claim=job.claim, dispatch=Dispatch.CLAIMED)
        if job.attempts >= settings.DISPATCH_MAX_ATTEMPTS:
            released += _fail_crashed(job, still)
        else:
            released += Job.objects.filter(still, pk=job.pk).update(
                dispatch=Dispatch.QUEUED, claim=None, due_at=Now()
            )
    return released


def _fail_overdue() -> int:
    failed = 0
    for job in _due(Dispatch.DISPATCHED):
        seconds = settings.JOB_DEADLINE_SECONDS[job.job_type]
        message = f"The handler did not answer within {seconds} seconds of its call."
        still = Q(dispatch=Dispatch.DISPATCHED, due_at__lte=Now())
        failed += _fail(job, "deadline_exceeded", message, still)
    return failed


def _fail_crashed(job: Job, still: Q) -> int:
    message = f"The worker died in each of {job.attempts} tries to call the handler."
    return _fail(job, "dispatch_crashed", message, still)


def _fail(job: Job, code: str, message: str, still: Q) -> int:
    """Fail a job if it is `still` as it was found; returns how many were failed, 0 or 1."""
    error = {"code": code, "message": message}
    try:
        end_job(job, status=JobStatus.FAILURE, error=error, only_if=still)
    except JobAlreadyFinished:
        return 0
    logger.warning("job.failed_by_sweep job=%s code=%s", job.pk, code)
    return 1


def _hint_waiting() -> int:
    due = Job.objects.filter(dispatch=Dispatch.QUEUED, due_at__lte=Now()).order_by("due_at")
    by_type: dict[str, list[UUID]] = {}
    for job_id, job_type in due.values_list("pk", "job_type")[: settings.SWEEP_BATCH]:
        by_type.setdefault(job_type, []).append(job_id)
    for job_type, job_ids in by_type.items():
        hints.send_hints(job_type, job_ids)
    return sum(map(len, by_type.values()))
