"""The worker: dispatches the jobs that one message names, then whatever else is due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from models_registry.handlers import (
    Accepted,
    Answered,
    Failed,
    Outcome,
    Retry,
    handler_for,
)
from models_registry.handlers.events import make_event
from models_registry.models import Action, Job, ModelVersion, VersionStatus
from models_registry.observability import metrics
from models_registry.observability.spans import span
from models_registry.observability.tracing import trace_of_job, tracing
from models_registry.queue import wakeups
from models_registry.queue.circuit_breaker import function_breakers
from models_registry.queue.claim import claim_callable_job, claim_due_job, claim_job
from models_registry.queue.due_jobs import callable_jobs
from models_registry.queue.outcomes import record_persistently

logger = logging.getLogger(__name__)

# After this time no further job is begun. A worker sees a signal to stop only between two messages,
# and must have ended this one within the ten seconds that it is given then
# (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT), however much is due.
WORK_SECONDS = 5.0
# The timers of this process that wake a worker, by their wake-up.
_timers: dict[wakeups.WakeUp, threading.Timer] = {}


def work_through(job_ids: Iterable[str], *, synchronous: bool) -> bool:
    """Dispatch the jobs named, then others that are due, for at most five seconds.

    Must be outside a transaction. An id that is no UUID, or whose job is not due or may not be
    called now, is skipped. Returns True when time ran out, so that more may be due.
    """
    ends_at = time.monotonic() + WORK_SECONDS
    _call_named(job_ids, ends_at)
    while time.monotonic() < ends_at:
        if not _attempt(lambda: _call_next(ends_at, synchronous=synchronous)):
            _wake_for_trial(wakeups.DISPATCH[synchronous])
            return False
    return True


def call_handler(job: Job) -> None:
    """Call the handler of a job just claimed and record the outcome; must be outside a transaction.

    Logs and spans meanwhile belong to the trace of the request that asked for the job.
    """
    names = {"modelpact.job_id": str(job.pk), "modelpact.model_id": job.model_id}
    with (
        tracing(trace_of_job(job)),
        span(f"dispatch {job.job_type}", "consumer", parent=job.traceparent, **names),
    ):
        _call(job)


def function_of(version: ModelVersion, job_type: str) -> str:
    """Return the name of the function that jobs of this type call."""
    handler = version.handlers[job_type]
    return str(handler[handler_for(handler["type"]).named_by])


def _call(job: Job) -> None:
    if time.monotonic() - job.claimed_from > settings.DISPATCH_LEASE_SECONDS:
        # This process stood still: the lease may lapse, and another worker call, before this
        # call has ended.
        logger.warning("job.not_called job=%s: its claim is too old", job.pk)
        return
    if job.job_type == Action.INFERENCE and job.version.status != VersionStatus.ACTIVE:
        message = "The version is no longer active."
        record_persistently(job, Failed({"code": "version_not_active", "message": message}))
        return
    if job.calls == 1:
        waited = (timezone.now() - job.created_at).total_seconds()
        metrics.DISPATCH_SECONDS.labels(job.job_type).observe(max(0.0, waited))
    outcome = _invoke(job)
    function = function_of(job.version, job.job_type)
    function_breakers.record(function, success=not isinstance(outcome, Retry))
    record_persistently(job, outcome)


def _invoke(job: Job) -> Outcome:
    handler = job.version.handlers[job.job_type]
    started = time.perf_counter()
    with span(f"invoke {handler['type']}", "client") as part:
        event = make_event(job, job.version)
        outcome = handler_for(handler["type"]).invoke(
            handler=handler, event=event, job_type=job.job_type
        )
        if not isinstance(outcome, Accepted | Answered):
            part.failed(type(outcome).__name__.lower())
    _log_call(job, outcome, time.perf_counter() - started)
    return outcome


def _log_call(job: Job, outcome: Outcome, seconds: float) -> None:
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


def _call_named(job_ids: Iterable[str], ends_at: float) -> bool:
    """Dispatch those of these jobs that can be claimed; return whether to continue with others.

    Not when none could be claimed: the worker that claimed them all continues.
    """
    any_called = False
    for job_id in job_ids:
        if time.monotonic() >= ends_at:
            return True
        any_called |= _attempt(lambda job_id=job_id: _call_claimed(_claim_named(UUID(job_id))))  # type: ignore[misc]
    return any_called


def _call_next(ends_at: float, *, synchronous: bool) -> bool:
    """Dispatch the job that has been due longest, or some while a circuit breaker is open."""
    if not function_breakers:
        return _call_claimed(claim_due_job(synchronous=synchronous))
    return _call_named(_callable(synchronous=synchronous), ends_at)


def _callable(*, synchronous: bool) -> Iterator[str]:
    """Search for jobs whose function may be called, and yield those for which that is still so.

    For a half-open circuit breaker many jobs may be found, and the first is the trial call.
    """
    found = callable_jobs(function_breakers.open_functions(), synchronous=synchronous)
    for job_id, function in found:
        if function not in function_breakers.open_functions():
            yield job_id


def _claim_named(job_id: UUID) -> Job | None:
    """Claim a job, unless its function's circuit breaker is open."""
    if not function_breakers:
        return claim_job(job_id)
    return claim_callable_job(
        job_id, lambda version, job_type: function_breakers.allow(function_of(version, job_type))
    )


def _call_claimed(job: Job | None) -> bool:
    if job is not None:
        call_handler(job)
    return job is not None


def _wake_for_trial(wakeup: wakeups.WakeUp) -> None:
    """Have a worker woken when a function may be tried again.

    The sweep would do it later. A timer holds nobody up meanwhile; one at a time is enough.
    """
    seconds = function_breakers.seconds_left()
    if seconds and wakeup not in _timers:
        timer = _timers[wakeup] = threading.Timer(seconds, _wake, [wakeup])
        timer.daemon = True
        timer.start()


def _wake(wakeup: wakeups.WakeUp) -> None:
    _timers.pop(wakeup, None)
    wakeups.publish(wakeup.task, [])


def _attempt(work: Callable[[], bool]) -> bool:
    """Return what `work` returns, or False when it raised.

    An error with one job must not stop the others: its row still says when it is due, and the sweep
    finds it.
    """
    try:
        return work()
    except Exception:
        logger.exception("job.dispatch_failed")
        return False
