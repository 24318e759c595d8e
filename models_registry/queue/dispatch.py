"""Bringing claimed jobs to their handlers."""

from __future__ import annotations

import logging
import time

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
from models_registry.queue.circuit_breaker import function_breakers
from models_registry.queue.outcomes import record_persistently

logger = logging.getLogger(__name__)


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
    if time.monotonic() - job.claimed_from > settings.DISPATCH_LEASE_SECONDS:
        # This process stood still. Another one may take the call before this one's has ended.
        logger.warning("job.not_called job=%s: its claim is too old", job.pk)
        return
    if job.job_type == Action.INFERENCE and job.version.status != VersionStatus.ACTIVE:
        message = "The version is no longer active."
        record_persistently(job, Failed({"code": "version_not_active", "message": message}))
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
    note = function_breakers.failed if isinstance(outcome, Retry) else function_breakers.answered
    note(function_of(job.version, job.job_type))
    record_persistently(job, outcome)


def function_of(version: ModelVersion, job_type: str) -> str:
    """Return the name of the function that jobs of this type call."""
    handler = version.handlers[job_type]
    return str(handler[handler_for(handler["type"]).named_by])


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
