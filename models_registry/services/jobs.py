"""Requests for training and inference: every way a job is created but by an event."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.db.models.functions import Now
from django.utils import timezone

from models_registry import signals
from models_registry.contracts import check_payload
from models_registry.db import rows
from models_registry.db.transactions import (
    FOREIGN_KEY_VIOLATED,
    sqlstate,
    transactional,
)
from models_registry.errors import FAULTS_SOUGHT, DomainError, Fault, Unprocessable
from models_registry.handlers import handler_of, is_synchronous
from models_registry.handlers.events import event_bytes_needed
from models_registry.models import Action, Direction, Job, ModelVersion, Origin, VersionStatus
from models_registry.observability.audit_log import AuditAction, digested
from models_registry.observability.tracing import present_trace
from models_registry.queue import wakeups
from models_registry.services.audit import entry
from models_registry.services.lookups import ModelNotFound, get_version, lock_model

# Worded as the condition of the index `job_manual_training`, so that PostgreSQL uses it.
LATEST_BY_HAND = (
    "WHERE model_id = %s AND job_type = 'training' AND origin = 'manual' ORDER BY id DESC LIMIT 1"
)


class VersionNotActive(Unprocessable):
    code = "version_not_active"
    message = "Only an active version can run inference."


class ContractViolated(Unprocessable):
    code = "contract_violated"
    message = "The input does not fit the version's contract."


class EventTooLarge(Unprocessable):
    code = "event_too_large"
    message = "The event for the handler would be larger than its invocation type takes."


class TooManyJobs(DomainError):
    code = "too_many_jobs"
    status = 429
    message = "The model has as many jobs in flight as it may; wait until some have ended."
    retry_after_seconds = 5


def request_training(*, model_id: str, version: str, input: dict[str, Any]) -> Job:
    """Record a training job for a version of any status; opens a transaction.

    An input that does not fit the version's contract is recorded with warnings. Raises
    ModelNotFound, VersionNotFound, EventTooLarge, TooManyJobs.
    """
    found = get_version(model_id, version)
    warnings = input_warnings(found, Action.TRAINING, input)
    return _record_request(found, Action.TRAINING, input, warnings=warnings)


def request_inference(
    *, model_id: str, version: str, input: dict[str, Any], remember: bool = False
) -> Job:
    """Record an inference job for an active version; opens a transaction.

    `remember` asks the receivers of `inference_requested` to replay the input after each
    training. Raises ModelNotFound, VersionNotFound, VersionNotActive, EventTooLarge, TooManyJobs,
    and ContractViolated with every fault, before anything is recorded.
    """
    found = get_version(model_id, version)
    if found.status != VersionStatus.ACTIVE:
        raise VersionNotActive
    schema = found.schema(Action.INFERENCE, Direction.INPUT)
    faults = [] if schema is None else check_payload(schema, input, limit=FAULTS_SOUGHT)
    if faults:
        raise ContractViolated(faults=[Fault(f"/input{path}", text) for path, text in faults])
    return _record_request(found, Action.INFERENCE, input, remember=remember)


def _record_request(version: ModelVersion, *given: Any, **known: Any) -> Job:
    try:
        return _record(version, *given, **known)
    except IntegrityError as error:
        if sqlstate(error) == FOREIGN_KEY_VIOLATED:
            raise ModelNotFound from error  # deleted since the version was read
        raise


@transactional
def _record(
    version: ModelVersion,
    job_type: str,
    input: dict[str, Any],
    *,
    warnings: list[str] | None = None,
    remember: bool = False,
) -> Job:
    refuse_large_event(version, job_type, input=input)
    refuse_too_many_jobs(version.model_id)
    job = new_job(version, job_type, Origin.MANUAL, input=input, warnings=warnings or [])
    audit_entry = entry(
        AuditAction.JOB_REQUESTED,
        model_id=job.model_id,
        version=version.version,
        job_id=job.pk,
        after={"job_type": job_type, "status": job.status, "input": digested(input)},
    )
    rows.write(job, audit_entry)
    if job_type == Action.INFERENCE:
        signals.inference_requested.send(Job, job=job, version=version, remember=remember)
    wake_worker(job)
    return job


def new_automatic_training(version: ModelVersion) -> Job:
    """Return the unsaved training job of a version that an update made; the caller inserts it.

    Must be inside the transaction that inserts it. Its input is that of the model's latest
    training job started by hand, else {}. Raises EventTooLarge, so that an update never leaves a
    job behind that can only fail.
    """
    latest = rows.read_value(Job, "input", LATEST_BY_HAND, [version.model_id])
    input: dict[str, Any] = {} if latest is None else latest
    # The input was accepted earlier: what makes the event too large is the update's metadata.
    refuse_large_event(version, Action.TRAINING, input=input, at="/metadata")
    warnings = input_warnings(version, Action.TRAINING, input)
    job = new_job(version, Action.TRAINING, Origin.AUTOMATIC, input=input, warnings=warnings)
    wake_worker(job)
    return job


def new_job(
    version: ModelVersion,
    job_type: str,
    origin: str,
    *,
    input: dict[str, Any],
    warnings: list[str],
) -> Job:
    """Return an unsaved job that is due at once."""
    return Job(
        model_id=version.model_id,
        version=version,
        job_type=job_type,
        origin=origin,
        input=input,
        warnings=warnings,
        request_id=present_trace().request_id,
        traceparent=present_trace().traceparent,
        # The database's clock, which claims and sweeps also go by.
        due_at=Now(),
        created_at=timezone.now(),
    )


def input_warnings(version: ModelVersion, action: str, input: dict[str, Any]) -> list[str]:
    """Return where `input` does not fit the version's contract for `action`; empty if it does."""
    return payload_warnings(version.schema(action, Direction.INPUT), input, "input")


def payload_warnings(schema: dict[str, Any] | None, payload: Any, name: str) -> list[str]:
    """Return a line for each fault, such as "input/route: ..."; none without a schema."""
    if schema is None:
        return []
    return [f"{name}{path}: {message}" for path, message in check_payload(schema, payload)]


def refuse_too_many_jobs(model_id: str) -> None:
    """Raise TooManyJobs when a model has as many open jobs as the deployment allows.

    Must be inside the transaction that records the next job. Locks the model until its end, so that
    concurrent requests are counted one after the other.
    """
    limit = settings.JOBS_IN_FLIGHT_PER_MODEL
    if not limit:
        return
    lock_model(model_id)
    # Open jobs have a time at which they are due, and an index.
    in_flight = Job.objects.filter(model_id=model_id, due_at__isnull=False)
    if in_flight.values("pk")[:limit].count() >= limit:
        raise TooManyJobs


def wake_worker(job: Job) -> None:
    """Wake a worker for a job once the present transaction is committed."""
    synchronous = is_synchronous(job.version.handlers, job.job_type)
    wakeups.wake_workers([job.pk], synchronous=synchronous)


def refuse_large_event(
    version: ModelVersion, job_type: str, *, input: dict[str, Any], at: str = "/input"
) -> None:
    """Raise EventTooLarge when the event would be larger than the version's handler takes.

    `at` points to what of the request's body is at fault; "" is the request as a whole.
    """
    limit = handler_of(version.handlers, job_type).max_event_bytes(job_type)
    needed = event_bytes_needed(input=input, metadata=version.metadata)
    if needed > limit:
        message = f"The event for the handler would take {needed} bytes; the limit is {limit}."
        raise EventTooLarge(message, faults=[Fault(at, message)])
