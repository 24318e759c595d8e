"""Asking for work: every way a job comes into being."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from models_registry import hints, signals
from models_registry.contracts import check_payload
from models_registry.errors import Fault, Unprocessable
from models_registry.events import event_bytes_needed
from models_registry.handlers import handler_for
from models_registry.models import Action, Direction, Job, ModelVersion, Origin, VersionStatus
from models_registry.services.lookups import get_version
from models_registry.services.transactions import transactional


class VersionNotActive(Unprocessable):
    code = "version_not_active"
    message = "Only an active version can run inference."


class ContractViolated(Unprocessable):
    code = "contract_violated"
    message = "The input does not fit the version's contract."


class EventTooLarge(Unprocessable):
    code = "event_too_large"
    message = "The event for the handler would be larger than its invocation type takes."


def request_training(*, model_id: str, version: str, input: dict[str, Any]) -> Job:
    """Record a training job for a version of any status; opens a transaction.

    An input that does not fit the version's contract is recorded with warnings. Raises
    ModelNotFound, VersionNotFound, EventTooLarge.
    """
    found = get_version(model_id, version)
    warnings = input_warnings(found, Action.TRAINING, input)
    return _record_request(found, Action.TRAINING, input, warnings=warnings)


def request_inference(
    *, model_id: str, version: str, input: dict[str, Any], remember: bool = False
) -> Job:
    """Record an inference job for an active version; opens a transaction.

    `remember` asks the listeners of `inference_requested` to replay the input after each
    training. Raises ModelNotFound, VersionNotFound, VersionNotActive, EventTooLarge, and
    ContractViolated with every fault, before anything is recorded.
    """
    found = get_version(model_id, version)
    if found.status != VersionStatus.ACTIVE:
        raise VersionNotActive
    schema = found.schema(Action.INFERENCE, Direction.INPUT)
    faults = [] if schema is None else check_payload(schema, input)
    if faults:
        raise ContractViolated(faults=[Fault(f"/input{path}", text) for path, text in faults])
    return _record_request(found, Action.INFERENCE, input, remember=remember)


@transactional
def _record_request(
    version: ModelVersion,
    job_type: str,
    input: dict[str, Any],
    *,
    warnings: list[str] | None = None,
    remember: bool = False,
) -> Job:
    refuse_large_event(job_type, input=input, metadata=version.metadata)
    job = new_job(version, job_type, Origin.MANUAL, input=input, warnings=warnings or [])
    job.save(force_insert=True)
    if job_type == Action.INFERENCE:
        signals.inference_requested.send(Job, job=job, version=version, remember=remember)
    hints.wake_workers(job_type, [job.pk])
    return job


def add_automatic_training(version: ModelVersion) -> Job:
    """Record the training job of a version that an update made; must be inside a transaction.

    Its input is that of the model's latest training job started by hand, else {}. Raises
    EventTooLarge, so that an update never leaves a job behind that can only fail.
    """
    by_hand = Job.objects.filter(
        model_id=version.model_id, job_type=Action.TRAINING, origin=Origin.MANUAL
    )
    latest = by_hand.order_by("-id").only("input").first()
    input: dict[str, Any] = {} if latest is None else latest.input
    refuse_large_event(Action.TRAINING, input=input, metadata=version.metadata)
    warnings = input_warnings(version, Action.TRAINING, input)
    job = new_job(version, Action.TRAINING, Origin.AUTOMATIC, input=input, warnings=warnings)
    job.save(force_insert=True)
    hints.wake_workers(Action.TRAINING, [job.pk])
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
        # The database's clock, which claims and sweeps also go by.
        due_at=Now(),
        created_at=timezone.now(),
    )


def input_warnings(version: ModelVersion, action: str, input: dict[str, Any]) -> list[str]:
    """Say where `input` does not fit the version's contract for `action`; empty if it does."""
    return payload_warnings(version.schema(action, Direction.INPUT), input, "input")


def payload_warnings(schema: dict[str, Any] | None, payload: Any, name: str) -> list[str]:
    """Return a line for each fault, such as "input/route: ..."; none without a schema."""
    if schema is None:
        return []
    return [f"{name}{path}: {message}" for path, message in check_payload(schema, payload)]


def refuse_large_event(job_type: str, *, input: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Raise EventTooLarge when the handler's event would be over its invocation type's limit."""
    limit = handler_for("lambda").max_event_bytes(job_type)
    needed = event_bytes_needed(input=input, metadata=metadata)
    if needed > limit:
        message = f"The event for the handler would take {needed} bytes; the limit is {limit}."
        raise EventTooLarge(message, faults=[Fault("/input", message)])
