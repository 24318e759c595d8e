"""The types of what the registry's operations answer.

The components of the OpenAPI document are made from them, and described by their docstrings.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

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
from models_registry.models import Action, JobStatus, ModelStatus, VersionStatus
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
