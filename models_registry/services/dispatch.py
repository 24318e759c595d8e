"""Bringing jobs to their handlers: claim, call, record; and finding what was left behind."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Case, DurationField, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Now

from models_registry.events import make_event
from models_registry.handlers import (
    Accepted,
    Answered,
    CallError,
    Failed,
    Outcome,
    Retry,
    Unknown,
    handler_for,
)
from models_registry.hints import is_waited_for
from models_registry.models import (
    OPEN_JOB,
    Action,
    Dispatch,
    Job,
    JobStatus,
    ModelVersion,
    VersionStatus,
)
from models_registry.services.completion import JobAlreadyFinished, end_job
from models_registry.services.lookups import get_job
from models_registry.services.transactions import transactional

logger = logging.getLogger(__name__)


def dispatch_job(job_id: UUID) -> bool:
    """Claim a job that is due, call its handler and record the outcome.

    Must be outside a transaction: the call goes over the network. Returns False when there was
    nothing to do: the job is not due, not there, or another worker has it.
    """
    job = claim_job(job_id)
    if job is not None:
        call_handler(job)
    return job is not None


def call_handler(job: Job) -> None:
    """Call the handler of a job just claimed and record the outcome; outside a transaction."""
    if job.job_type == Action.INFERENCE and job.version.status != VersionStatus.ACTIVE:
        message = "The version is no longer active."
        record_outcome(job, Failed({"code": "version_not_active", "message": message}))
        return
    handler = job.version.handlers[job.job_type]
    event = make_event(job, job.version)
    outcome = handler_for(handler["type"]).invoke(
        handler=handler, event=event, job_type=job.job_type
    )
    record_outcome(job, outcome)


@transactional
def claim_job(job_id: UUID) -> Job | None:
    """Claim a job that is due, counting the attempt before the call; opens a transaction.

    Returns None when somebody else was first. A training job moves its version to `training`.
    """
    won = (
        _due()
        .filter(pk=job_id)
        .update(
            status=JobStatus.STARTED,
            dispatch=Dispatch.CLAIMED,
            claim=uuid4(),
            attempts=F("attempts") + 1,
            started_at=Coalesce(F("started_at"), Now()),
            due_at=Case(
                *(
                    When(job_type=action, then=Now() + Value(_lease(action), DurationField()))
                    for action in Action.values
                )
            ),
        )
    )
    if not won:
        return None
    job = get_job(job_id)
    if job.job_type == Action.TRAINING:
        ModelVersion.objects.filter(
            pk=job.version_id, status__in=(VersionStatus.PENDING, VersionStatus.FAILED)
        ).update(status=VersionStatus.TRAINING, revision=F("revision") + 1)
    return job


@transactional
def claim_due_job(job_types: Sequence[str]) -> Job | None:
    """Claim the job of these types that has been due longest; opens a transaction.

    Passes over what other workers are claiming. Returns None when none is due.
    """
    oldest = _due().filter(job_type__in=job_types).order_by("due_at")
    locked = oldest.select_for_update(skip_locked=connection.features.has_select_for_update)
    job_id = locked.values_list("pk", flat=True).first()
    return None if job_id is None else claim_job(job_id)


def _due() -> QuerySet[Job]:
    return Job.objects.filter(dispatch=Dispatch.QUEUED, status__in=OPEN_JOB, due_at__lte=Now())


def record_outcome(job: Job, outcome: Outcome) -> None:
    """Record what became of a claimed job's call; opens a transaction.

    An answer counts whoever brings it first. A failure, a retry and an unknown outcome count
    only while the claim is still this job's own, so that a late one never undoes a newer try.
    """
    mine = Q(claim=job.claim, dispatch=Dispatch.CLAIMED)
    match outcome:
        case Accepted():
            _await_callback(job, mine)
        case Unknown(error):
            logger.warning("job.outcome_unknown job=%s code=%s", job.pk, error.get("code"))
            _await_callback(job, mine, error=error)
        case Answered(output):
            _end(job, status=JobStatus.SUCCESS, output=output)
        case Failed(error):
            _end(job, status=JobStatus.FAILURE, error=error, only_if=mine)
        case Retry(error) if job.attempts >= settings.DISPATCH_MAX_ATTEMPTS:
            _end(job, status=JobStatus.FAILURE, error=error, only_if=mine)
        case Retry(error):
            due_at = Now() + timedelta(seconds=backoff_seconds(job.attempts))
            Job.objects.filter(mine, pk=job.pk).update(
                dispatch=Dispatch.QUEUED, claim=None, due_at=due_at, error=error
            )


def backoff_seconds(attempts: int) -> float:
    """Return how long to wait after the n-th try: a random time, at least one second.

    Full jitter: up to base * 2^n, at most the cap, so that a recovering function is not met by
    every waiting job at once.
    """
    ceiling = settings.DISPATCH_BACKOFF_BASE_SECONDS * 2**attempts
    ceiling = min(ceiling, settings.DISPATCH_BACKOFF_CAP_SECONDS)
    return max(1.0, random.uniform(0, ceiling))  # noqa: S311 (jitter)


def _await_callback(job: Job, mine: Q, *, error: CallError | None = None) -> None:
    deadline = timedelta(seconds=settings.JOB_DEADLINE_SECONDS[job.job_type])
    Job.objects.filter(mine, pk=job.pk).update(
        dispatch=Dispatch.DISPATCHED, claim=None, due_at=Now() + deadline, error=error
    )


def _end(job: Job, **outcome: Any) -> None:
    try:
        end_job(job, **outcome)
    except JobAlreadyFinished:
        logger.info("job.outcome_dropped job=%s: it has ended otherwise", job.pk)


def _lease(job_type: str) -> timedelta:
    """Return how long a claim lasts: the call's own bounds and time to record it."""
    call = (
        settings.LAMBDA_SYNC_READ_TIMEOUT_SECONDS
        if is_waited_for(job_type)
        else settings.LAMBDA_EVENT_READ_TIMEOUT_SECONDS
    )
    seconds = settings.DISPATCH_LEASE_SECONDS + settings.LAMBDA_CONNECT_TIMEOUT_SECONDS + call
    return timedelta(seconds=seconds)
