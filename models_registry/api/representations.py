"""What the API shows of a model, a version and a job.

The OpenAPI document's components come from these types, and their descriptions from the docstrings.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import orjson

from models_registry.db.read_models import ShownModel, StoredModel, StoredVersion, timestamp
from models_registry.errors import FaultObject
from models_registry.json_types import (
    Component,
    Identifier,
    JSONObject,
    Keywords,
    NonNegativeInt,
    Timestamp,
    UUIDText,
)
from models_registry.models import (
    Action,
    AuditEntry,
    Job,
    JobStatus,
    Model,
    ModelStatus,
    ModelVersion,
    VersionStatus,
)
from models_registry.observability.actor import ActorKind
from models_registry.observability.audit_log import AuditAction
from models_registry.observability.readiness import State
from models_registry.services.versions import TriggeredEvent

# The components that the serializers of the same name describe.
Handlers = Annotated[JSONObject, Component("Handlers")]
HandlerContracts = Annotated[JSONObject, Component("HandlerContracts")]


class ModelObject(TypedDict):
    """A model as it is at present; `active` from the first time a version of it is."""

    id: Identifier
    name: str
    description: str
    handlers: Handlers
    handler_contracts: HandlerContracts | None
    metadata: JSONObject
    status: Annotated[str, ModelStatus]


class VersionObject(TypedDict):
    """A version of a model."""

    version: Identifier
    description: str
    metadata: JSONObject
    status: Annotated[str, VersionStatus]


class FrozenVersionObject(VersionObject):
    """A version with the handlers and contracts that were frozen in it."""

    handlers: Handlers
    handler_contracts: HandlerContracts | None
    created_at: Timestamp
    activated_at: Timestamp | None


class ModelAndVersion(TypedDict):
    """A model and one of its versions."""

    version: VersionObject
    model: ModelObject


class StatusChangeObject(ModelAndVersion):
    """A version whose status was set, its model, and what that triggered."""

    triggered_events: list[TriggeredEvent]


class CauseObject(TypedDict):
    """The subscription that made a job, and the job whose event it was."""

    subscription_id: UUIDText
    job_id: UUIDText | None


class JobObject(TypedDict):
    """One call of a version's handler."""

    id: UUIDText
    model_id: Identifier
    model_version: Identifier
    job_type: Annotated[str, Action]
    status: Annotated[str, JobStatus]
    input: JSONObject
    output: JSONObject | None
    error: JSONObject | None
    warnings: list[str]
    attempts: NonNegativeInt
    triggered_by: CauseObject | None
    retry_of: Annotated[UUIDText | None, "The failed job that it repeats."]
    created_at: Timestamp
    started_at: Timestamp | None
    completed_at: Timestamp | None


class RepeatedJobObject(TypedDict):
    """The job that was recorded."""

    job_id: UUIDText


class TrainingJobObject(TypedDict):
    """The job that was recorded."""

    training_job_id: UUIDText


class InferenceJobObject(TypedDict):
    """The job that was recorded."""

    inference_job_id: UUIDText


class CompletionObject(TypedDict):
    """How a job ended, and what that triggered."""

    job_id: UUIDText
    model_id: Identifier
    model_version: Identifier
    status: Annotated[str, Keywords(enum=[JobStatus.SUCCESS.value, JobStatus.FAILURE.value])]
    triggered_events: list[TriggeredEvent]


class ActorObject(TypedDict):
    """Who made a change.

    A token's `sub` and `client_id`, a job by its callback token, a user of the admin, a user at a
    prompt, a worker, or the service itself.
    """

    kind: Annotated[str, ActorKind]
    name: str
    client_id: str | None


class AuditObject(TypedDict):
    """One change: who, what, when, and what of it was another before."""

    id: Annotated[int, Keywords(minimum=1)]
    at: Timestamp
    action: Annotated[str, AuditAction]
    actor: ActorObject
    model_id: str | None
    model_version: str | None
    job_id: UUIDText | None
    subscription_id: UUIDText | None
    before: JSONObject | None
    after: JSONObject | None
    request_id: Annotated[str, "Of the request that made the change; also in the log."] | None


class HealthObject(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class ChecksObject(TypedDict):
    """The parts that the service needs."""

    database: State
    migrations: State
    workers: State
    sweep: State
    broker: State


class ReadinessObject(TypedDict):
    """The service answers; when degraded, jobs wait."""

    status: Literal["ok", "degraded"]
    checks: ChecksObject


class ErrorObject(TypedDict):
    """Why a request was refused; it changed nothing."""

    success: Annotated[bool, Keywords(const=False)]
    message: Annotated[str, "For a person."]
    code: NotRequired[Annotated[str, "Stable, for a machine.", Keywords(pattern="^[a-z0-9_]+$")]]
    errors: NotRequired[list[FaultObject]]
    checks: NotRequired[ChecksObject]


# Puts text that is JSON already into an answer.
_stored: Any = orjson.Fragment


def model_object(model: Model) -> ModelObject:
    """Return `model` as the API shows it."""
    return {
        "id": model.id,
        "name": model.name,
        "description": model.description,
        "handlers": model.handlers,
        "handler_contracts": model.handler_contracts,
        "metadata": model.metadata,
        "status": model.status,
    }


def stored_model_object(model: ShownModel) -> ModelObject:
    """Return `model` as the API shows it, its JSON put in as the text that is stored."""
    id, name, description, handlers, contracts, metadata, status = model
    return {
        "id": id,
        "name": name,
        "description": description,
        "handlers": _stored(handlers),
        "handler_contracts": None if contracts is None else _stored(contracts),
        "metadata": _stored(metadata),
        "status": status,
    }


def stored_model_and_version(model: StoredModel, version: StoredVersion) -> ModelAndVersion:
    """Return a model beside one of its versions, as they are stored."""
    shown: VersionObject = {
        "version": version.version,
        "description": version.description,
        "metadata": _stored(version.metadata),
        "status": version.status,
    }
    return {"version": shown, "model": stored_model_object(model.shown)}


def version_object(version: ModelVersion) -> VersionObject:
    """Return `version` as the API shows it beside its model and in lists."""
    return {
        "version": version.version,
        "description": version.description,
        "metadata": version.metadata,
        "status": version.status,
    }


def frozen_version_object(version: ModelVersion) -> FrozenVersionObject:
    """Return `version` as the API shows it by itself."""
    return {
        **version_object(version),
        "handlers": version.handlers,
        "handler_contracts": version.handler_contracts,
        "created_at": timestamp(version.created_at),
        "activated_at": timestamp(version.activated_at) if version.activated_at else None,
    }


def model_and_version(model: Model, version: ModelVersion) -> ModelAndVersion:
    """Return a model beside one of its versions."""
    return {"version": version_object(version), "model": model_object(model)}


def job_object(job: Job) -> JobObject:
    """Return `job`, whose version is loaded, as the API shows it."""
    return {
        "id": str(job.pk),
        "model_id": job.model_id,
        "model_version": job.version.version,
        "job_type": job.job_type,
        "status": job.status,
        "input": job.input,
        "output": job.output,
        "error": job.error,
        "warnings": job.warnings,
        "attempts": job.calls,
        "triggered_by": _cause(job),
        "retry_of": str(job.retry_of) if job.retry_of else None,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at) if job.started_at else None,
        "completed_at": timestamp(job.completed_at) if job.completed_at else None,
    }


def audit_object(entry: AuditEntry) -> AuditObject:
    """Return an entry of the audit log as the API shows it."""
    return {
        "id": entry.pk,
        "at": timestamp(entry.created_at),
        "action": entry.action,
        "actor": {
            "kind": entry.actor_kind,
            "name": entry.actor,
            "client_id": entry.client_id or None,
        },
        "model_id": entry.model_id or None,
        "model_version": entry.version or None,
        "job_id": str(entry.job_id) if entry.job_id else None,
        "subscription_id": str(entry.subscription_id) if entry.subscription_id else None,
        "before": entry.before,
        "after": entry.after,
        "request_id": entry.request_id or None,
    }


def _cause(job: Job) -> CauseObject | None:
    if job.triggered_by_id is None:
        return None
    by_job = job.triggered_by_job_id
    return {
        "subscription_id": str(job.triggered_by_id),
        "job_id": str(by_job) if by_job else None,
    }
