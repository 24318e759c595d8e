"""The sweeper: finds jobs that a lost message, a dead worker or a silent handler left behind."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.db.models.functions import Now

from models_registry.db import dialect, statements
from models_registry.db.sql import Sql
from models_registry.handlers import is_synchronous
from models_registry.models import Dispatch, Job, JobStatus
from models_registry.observability import metrics
from models_registry.observability.tracing import trace_of_job, tracing
from models_registry.queue import wakeups
from models_registry.queue.claim import claim_of, is_tried_enough
from models_registry.services.completion import JobAlreadyFinished, end_job

logger = logging.getLogger(__name__)


class Findings(TypedDict):
    """How many jobs one sweep found, by what had happened to them.

    `jobs_waiting` were never tried: their message was lost, or waits for a free worker.
    `retries_due` are due after a back-off; only the sweep wakes workers for them. `claims_lapsed`
    were claimed and never recorded, since their worker died; after the last try they are
    `jobs_crashed`. `jobs_overdue` passed their deadline.
    """

    jobs_waiting: int
    retries_due: int
    claims_lapsed: int
    jobs_crashed: int
    jobs_overdue: int


def sweep() -> Findings:
    """Find jobs that are due, and requeue, fail or announce them; at most SWEEP_BATCH of a kind.

    Each row is changed by a compare-and-set in a transaction of its own, so any number of
    sweeps may run at once. Must be outside a transaction: it publishes wake-ups.
    """
    claims = _repair(Dispatch.CLAIMED, _release_lapsed_claim)
    overdue = _repair(Dispatch.DISPATCHED, _fail_overdue)
    waiting, retries = _wake_for_due()
    findings = Findings(
        jobs_waiting=waiting,
        retries_due=retries,
        claims_lapsed=claims["released"],
        jobs_crashed=claims["failed"],
        jobs_overdue=overdue["failed"],
    )
    log_findings(findings)
    return findings


def log_findings(findings: Mapping[str, Any]) -> None:
    """Count what a sweep found, and log it if it found anything."""
    metrics.count_findings(findings)
    found = {kind: count for kind, count in findings.items() if count}
    if found:
        logger.info("sweep.found %s", " ".join(f"{kind}={n}" for kind, n in found.items()))


def requeue_interrupted() -> int:
    """Queue every call again that was running when the only process died; returns how many.

    Only for the embedded default, whose handlers run inside the process and end with it. Elsewhere
    claims lapse, and handlers may still be running.
    """
    interrupted = Job.objects.filter(dispatch__in=(Dispatch.CLAIMED, Dispatch.DISPATCHED))
    tried_enough = interrupted.filter(attempts__gte=settings.DISPATCH_MAX_ATTEMPTS)
    for job in tried_enough.select_related("version"):
        _fail_crashed(job, statements.where(Job, dispatch=job.dispatch))
    return interrupted.update(dispatch=Dispatch.QUEUED, claim=None, due_at=Now())


def _due(dispatch: str) -> list[Job]:
    due = Job.objects.select_related("version").filter(dispatch=dispatch, due_at__lte=Now())
    return list(due.order_by("due_at")[: settings.SWEEP_BATCH])


def _repair(dispatch: str, repair: Callable[[Job], Counter[str]]) -> Counter[str]:
    """Repair each job that is due in this state, and count what was done.

    A job whose row can't be changed now is left to the next sweep, with all jobs of its model: the
    others must not wait for it.
    """
    done: Counter[str] = Counter()
    held: set[str] = set()
    for job in _due(dispatch):
        if job.model_id in held:
            continue
        try:
            done += repair(job)
        except DatabaseError:
            logger.exception("sweep.put_off job=%s", job.pk)
            held.add(job.model_id)
    return done


def _release_lapsed_claim(job: Job) -> Counter[str]:
    """Queue a job again whose worker never recorded an outcome; it may have made the call."""
    if is_tried_enough(job):
        return Counter(failed=_fail_crashed(job, claim_of(job)))
    claimed = Job.objects.filter(pk=job.pk, claim=job.claim, dispatch=Dispatch.CLAIMED)
    return Counter(released=claimed.update(dispatch=Dispatch.QUEUED, claim=None, due_at=Now()))


def _fail_overdue(job: Job) -> Counter[str]:
    seconds = settings.JOB_DEADLINE_SECONDS[job.job_type]
    message = f"The handler did not answer within {seconds} seconds of its call."
    still = Sql(f"dispatch = '{Dispatch.DISPATCHED}' AND due_at <= {dialect.now()}")
    return Counter(failed=_fail(job, "deadline_exceeded", message, still))


def _fail_crashed(job: Job, still: Sql) -> int:
    message = f"The worker died in each of {job.attempts} tries to call the handler."
    return _fail(job, "dispatch_crashed", message, still)


def _fail(job: Job, code: str, message: str, still: Sql) -> int:
    """Fail a job if the condition `still` holds; returns how many were failed, 0 or 1."""
    error = {"code": code, "message": message}
    with tracing(trace_of_job(job)):
        try:
            end_job(job, status=JobStatus.FAILURE, error=error, only_if=still, must_be_first=True)
        except JobAlreadyFinished:
            return 0
        logger.warning("job.failed_by_sweep job=%s code=%s", job.pk, code)
    return 1


def _wake_for_due() -> tuple[int, int]:
    """Wake workers for jobs that are due; returns how many were never tried, and how many were."""
    due = Job.objects.filter(dispatch=Dispatch.QUEUED, due_at__lte=Now()).order_by("due_at")
    by_call: dict[bool, list[UUID]] = {}
    waiting = retries = 0
    columns = due.values_list("pk", "job_type", "version__handlers", "started_at")
    for job_id, job_type, handlers, started_at in columns[: settings.SWEEP_BATCH]:
        by_call.setdefault(is_synchronous(handlers, job_type), []).append(job_id)
        waiting, retries = (waiting, retries + 1) if started_at else (waiting + 1, retries)
    for synchronous, job_ids in by_call.items():
        wakeups.publish_wakeups(job_ids, synchronous=synchronous)
    return waiting, retries
