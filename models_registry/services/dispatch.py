"""Bringing claimed jobs to their handlers: call, record."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

from django.conf import settings
from django.utils import timezone

from models_registry import metrics
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
from models_registry.models import Action, Dispatch, Job, JobStatus, ModelVersion, VersionStatus
from models_registry.pauses import pauses
from models_registry.services import rows, statements
from models_registry.services.claiming import claim_of, is_tried_enough
from models_registry.services.completion import JobAlreadyFinished, end_job
from models_registry.services.statements import Sql
from models_registry.spans import span
from models_registry.tracing import trace_of_job, tracing

logger = logging.getLogger(__name__)

# Of the back-off; by then it is years, and a float has an end.
MOST_DOUBLINGS = 30


def call_handler(job: Job) -> None:
    """Call the handler of a job just claimed and record the outcome; must be outside a transaction.

    What is logged and made meanwhile goes by the names of the request that the job is from.
    """
    names = {"modelpact.job_id": str(job.pk), "modelpact.model_id": job.model_id}
    with (
        tracing(trace_of_job(job)),
        span(f"dispatch {job.job_type}", "consumer", parent=job.traceparent, **names),
    ):
        _call(job)


def _call(job: Job) -> None:
    if job.job_type == Action.INFERENCE and job.version.status != VersionStatus.ACTIVE:
        message = "The version is no longer active."
        record_outcome(job, Failed({"code": "version_not_active", "message": message}))
        return
    handler = job.version.handlers[job.job_type]
    if job.calls == 1:
        waited = (timezone.now() - job.created_at).total_seconds()
        metrics.DISPATCH_SECONDS.labels(job.job_type).observe(max(0.0, waited))
    started = time.perf_counter()
    with span(f"invoke {handler['type']}", "client") as part:
        event = make_event(job, job.version)
        outcome = handler_for(handler["type"]).invoke(
            handler=handler, event=event, job_type=job.job_type
        )
        if not isinstance(outcome, Accepted | Answered):
            part.failed(type(outcome).__name__.lower())
    seconds = time.perf_counter() - started
    _tell_of_call(job, outcome, seconds)
    note = pauses.failed if isinstance(outcome, Retry) else pauses.answered
    note(function_of(job.version, job.job_type))
    record_outcome(job, outcome)


def function_of(version: ModelVersion, job_type: str) -> str:
    """Return the name of the function that jobs of this type call."""
    handler = version.handlers[job_type]
    return handler_for(handler["type"]).function_of(handler)


def _tell_of_call(job: Job, outcome: Outcome, seconds: float) -> None:
    kind = type(outcome).__name__.lower()
    metrics.CALL_SECONDS.labels(job.job_type, kind).observe(seconds)
    shown = {
        "job_id": str(job.pk),
        "job_type": job.job_type,
        "model_id": job.model_id,
        "attempt": job.calls,
        "outcome": kind,
        "duration_ms": round(seconds * 1000, 1),
    }
    error = getattr(outcome, "error", None)
    if error is not None:
        shown["error_code"] = error["code"]
    logger.info("job.called job=%s", job.pk, extra=shown)


def record_outcome(job: Job, outcome: Outcome) -> None:
    """Record what became of a claimed job's call; opens a transaction.

    An answer counts whoever brings it first. A failure, a retry and an unknown outcome count
    only while the claim is still this job's own, so that a late one never undoes a newer try.
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
    """Have a job that was not reached called again later, if that was not tried often enough."""
    if outcome.throttled:
        job.attempts, job.throttled = job.attempts - 1, job.throttled + 1
    if is_tried_enough(job):
        _end(job, status=JobStatus.FAILURE, error=outcome.error, only_if=mine)
    elif _set_down(job, Dispatch.QUEUED, backoff_seconds(job.calls), outcome.error):
        metrics.RETRIES.labels(job.job_type).inc()


def backoff_seconds(calls: int) -> float:
    """Return how long to wait after the n-th call: a random time, at least one second.

    Full jitter: up to base * 2^n, at most the cap, so that a recovering function is not met by
    every waiting job at once.
    """
    ceiling = settings.DISPATCH_BACKOFF_BASE_SECONDS * 2 ** min(calls, MOST_DOUBLINGS)
    ceiling = min(ceiling, settings.DISPATCH_BACKOFF_CAP_SECONDS)
    return max(1.0, random.uniform(0, ceiling))  # noqa: S311 (jitter)


def _await_callback(job: Job, error: CallError | None = None) -> None:
    _set_down(job, Dispatch.DISPATCHED, settings.JOB_DEADLINE_SECONDS[job.job_type], error)


def _set_down(job: Job, dispatch: str, seconds: float, error: CallError | None) -> bool:
    """End our claim; the job is due again in so many seconds. False if the claim was not ours."""
    columns = {
        "dispatch": dispatch,
        "claim": None,
        "due_at": statements.after(Sql("%s", (seconds,))),
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
