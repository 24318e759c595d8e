"""Records the outcome of a call, again while the database can't be reached."""

from __future__ import annotations

import logging
import random
import time
from copy import copy
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from models_registry.db import rows, sql, statements
from models_registry.db.sql import Sql
from models_registry.handlers import (
    Accepted,
    Answered,
    CallError,
    Failed,
    Outcome,
    Retry,
    Unknown,
)
from models_registry.models import Dispatch, Job, JobStatus
from models_registry.observability import metrics
from models_registry.queue.claim import claim_of, is_tried_enough
from models_registry.services.completion import JobAlreadyFinished, end_job

logger = logging.getLogger(__name__)

# Recording is retried while the lease lasts (DISPATCH_LEASE_SECONDS), but no longer than this:
# CELERY_TASK_SOFT_TIME_LIMIT relies on it.
RECORD_SECONDS = 60.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0
# The largest exponent of the back-off: it is years by then, and a float must not overflow.
MOST_DOUBLINGS = 30


def record_persistently(job: Job, outcome: Outcome) -> None:
    """Record the outcome of a claimed job's call, again while the database can't be reached.

    Must be outside a transaction. Otherwise a broken connection would lose the outcome and the call
    would be made, and paid for, again. Raises OperationalError or InterfaceError when the database
    is away for too long; then the claim lapses, as if this process had died.
    """
    ends_at = time.monotonic() + min(settings.DISPATCH_LEASE_SECONDS, RECORD_SECONDS)
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            record_outcome(job, outcome)
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() + wait > ends_at:
                raise
            logger.warning(
                "job.outcome_not_recorded job=%s: again in %.1f s: %s", job.pk, wait, error
            )
        else:
            return
        # The next try opens a new one.
        connection.close()
        time.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def record_outcome(job: Job, outcome: Outcome) -> None:
    """Record the outcome of a claimed job's call; opens a transaction.

    An answer counts, whoever brings it first. A failure, a retry and an unknown outcome count only
    under the claim of their own call, so that a late one never undoes a newer try.
    """
    mine = claim_of(job)
    match outcome:
        case Accepted():
            _await_callback(job)
        case Unknown(error):
            logger.warning("job.outcome_unknown job=%s code=%s", job.pk, error.get("code"))
            _await_callback(job, error)
        case Answered(output):
            _end(job, status=JobStatus.SUCCESS, output=output)
        case Failed(error):
            _end(job, status=JobStatus.FAILURE, error=error, only_if=mine)
        case Retry():
            _retry(job, outcome, mine)


def _retry(job: Job, outcome: Retry, mine: Sql) -> None:
    """Queue a job again whose handler was not reached, or fail it after the last try."""
    if outcome.throttled:
        # A copy, since recording may be retried and must count this call once.
        job = copy(job)
        job.attempts, job.throttled = job.attempts - 1, job.throttled + 1
    if is_tried_enough(job):
        _end(job, status=JobStatus.FAILURE, error=outcome.error, only_if=mine)
    elif _release(job, Dispatch.QUEUED, backoff_seconds(job.calls), outcome.error):
        metrics.RETRIES.labels(job.job_type).inc()


def backoff_seconds(calls: int) -> float:
    """Return how long to wait after the n-th call: a random time, at least one second.

    Exponential back-off with full jitter: up to base * 2^n, at most the cap, so that not all
    waiting jobs call a recovering function at once.
    """
    ceiling = settings.DISPATCH_BACKOFF_BASE_SECONDS * 2 ** min(calls, MOST_DOUBLINGS)
    ceiling = min(ceiling, settings.DISPATCH_BACKOFF_CAP_SECONDS)
    return max(1.0, random.uniform(0, ceiling))  # noqa: S311 (jitter)


def _await_callback(job: Job, error: CallError | None = None) -> None:
    _release(job, Dispatch.DISPATCHED, settings.JOB_DEADLINE_SECONDS[job.job_type], error)


def _release(job: Job, dispatch: str, seconds: float, error: CallError | None) -> bool:
    """Release our claim; the job is due again in so many seconds. False if it was not ours."""
    columns = {
        "dispatch": dispatch,
        "claim": None,
        "due_at": sql.after(Sql("%s", (seconds,))),
        "attempts": job.attempts,
        "throttled": job.throttled,
        "error": error,
    }
    return rows.was_changed(Job, columns, statements.where(Job, id=job.pk), claim_of(job))


def _end(job: Job, **outcome: Any) -> None:
    try:
        end_job(job, **outcome)
    except JobAlreadyFinished:
        logger.info("job.outcome_dropped job=%s: it has ended otherwise", job.pk)
