"""The schemas of what the API answers, by name, for the OpenAPI document.

Every answer in the test suite is held against them, so they can't drift from what is shown.
"""

from __future__ import annotations

from typing import Any

from models_registry.api.paths import ID_PATTERN
from models_registry.handlers import HANDLERS
from models_registry.models import Action, JobStatus, ModelStatus, VersionStatus
from models_registry.observability.actor import ActorKind
from models_registry.observability.audit_log import AuditAction

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
# What readiness looks at.
PARTS = ("database", "migrations", "workers", "sweep", "broker")
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
OBJECT: Schema = {"type": "object", "additionalProperties": True}
ID: Schema = {"type": "string", "pattern": f"^{ID_PATTERN}$"}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Schema) -> Schema:
    """Return a bare array."""
    return {"type": "array", "items": item}


def nullable(schema: Schema) -> Schema:
    """Return a schema that takes null as well."""
    return {"oneOf": [schema, {"type": "null"}]}


def one_of(values: list[str]) -> Schema:
    """Return an enumeration."""
    return {"type": "string", "enum": values}


def shape(properties: dict[str, Schema], *, optional: tuple[str, ...] = (), text: str) -> Schema:
    """Return an object with these properties and no others; all required but the optional."""
    return {
        "type": "object",
        "description": text,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


VERSION = {
    "version": ID,
    "description": TEXT,
    "metadata": OBJECT,
    "status": one_of(VersionStatus.values),
}

COMPONENTS: dict[str, Schema] = {
    "Handlers": shape(
        {action: ref("Handler") for action in Action.values}, text="The handler of each action."
    ),
    "Contract": shape(
        {
            "input_schema": {**OBJECT, "description": "JSON Schema, Draft 2020-12."},
            "output_schema": {**OBJECT, "description": "JSON Schema, Draft 2020-12."},
        },
        optional=("input_schema", "output_schema"),
        text="What goes into and comes out of an action.",
    ),
    "HandlerContracts": shape(
        {action: ref("Contract") for action in Action.values},
        optional=tuple(Action.values),
        text="The contract of each action.",
    ),
    "Model": shape(
        {
            "id": ID,
            "name": TEXT,
            "description": TEXT,
            "handlers": ref("Handlers"),
            "handler_contracts": nullable(ref("HandlerContracts")),
            "metadata": OBJECT,
            "status": one_of(ModelStatus.values),
        },
        text="A model as it is at present; `active` from the first time a version of it is.",
    ),
    "Version": shape(VERSION, text="A version of a model."),
    "FrozenVersion": shape(
        {
            **VERSION,
            "handlers": ref("Handlers"),
            "handler_contracts": nullable(ref("HandlerContracts")),
            "created_at": TIME,
            "activated_at": nullable(TIME),
        },
        text="A version with the handlers and contracts that were frozen in it.",
    ),
    "ModelAndVersion": shape(
        {"version": ref("Version"), "model": ref("Model")}, text="A model and one of its versions."
    ),
    "TriggeredEvent": shape(
        {"subscription_id": UUID, "job_id": UUID, "error": TEXT},
        optional=("job_id", "error"),
        text="What a subscription made of an event: a job, or the reason why there is none.",
    ),
    "StatusChange": shape(
        {
            "version": ref("Version"),
            "model": ref("Model"),
            "triggered_events": listed(ref("TriggeredEvent")),
        },
        text="A version whose status was set, its model, and what that triggered.",
    ),
    "Cause": shape(
        {"subscription_id": UUID, "job_id": nullable(UUID)},
        text="The subscription that made a job, and the job whose event it was.",
    ),
    "Job": shape(
        {
            "id": UUID,
            "model_id": ID,
            "model_version": ID,
            "job_type": one_of(Action.values),
            "status": one_of(JobStatus.values),
            "input": OBJECT,
            "output": nullable(OBJECT),
            "error": nullable(OBJECT),
            "warnings": listed(TEXT),
            "attempts": {"type": "integer", "minimum": 0},
            "triggered_by": nullable(ref("Cause")),
            "retry_of": {**nullable(UUID), "description": "The failed job that it repeats."},
            "created_at": TIME,
            "started_at": nullable(TIME),
            "completed_at": nullable(TIME),
        },
        text="One call of a version's handler.",
    ),
    "RepeatedJob": shape({"job_id": UUID}, text="The job that was recorded."),
    "TrainingJob": shape({"training_job_id": UUID}, text="The job that was recorded."),
    "InferenceJob": shape({"inference_job_id": UUID}, text="The job that was recorded."),
    "Completion": shape(
        {
            "job_id": UUID,
            "model_id": ID,
            "model_version": ID,
            "status": one_of(["success", "failure"]),
            "triggered_events": listed(ref("TriggeredEvent")),
        },
        text="How a job ended, and what that triggered.",
    ),
    "AuditEntry": shape(
        {
            "id": {"type": "integer", "minimum": 1},
            "at": TIME,
            "action": one_of(AuditAction.values),
            "actor": ref("Actor"),
            "model_id": nullable(TEXT),
            "model_version": nullable(TEXT),
            "job_id": nullable(UUID),
            "subscription_id": nullable(UUID),
            "before": nullable(OBJECT),
            "after": nullable(OBJECT),
            "request_id": nullable(
                {**TEXT, "description": "Of the request that made the change; also in the log."}
            ),
        },
        text="One change: who, what, when, and what of it was another before.",
    ),
    "Actor": shape(
        {"kind": one_of(ActorKind.values), "name": TEXT, "client_id": nullable(TEXT)},
        text="Who made a change: a token's `sub` and `client_id`, a job by its callback token, a"
        " user of the admin, a user at a prompt, a worker, or the service itself.",
    ),
    "Health": shape({"status": one_of(["ok"])}, text="The process answers."),
    "Readiness": shape(
        {"status": one_of(["ok", "degraded"]), "checks": ref("Checks")},
        text="The service answers; when degraded, jobs wait.",
    ),
    "Checks": shape(
        {part: ref("Check") for part in PARTS}, text="The parts that the service needs."
    ),
    "Check": shape(
        {
            "state": one_of(["ok", "failing", "unknown"]),
            "age_seconds": {"type": ["number", "null"], "minimum": 0},
            "message": {**TEXT, "description": "What is wrong; empty when nothing is."},
        },
        text="How a part is, and how long ago it was last seen to be well.",
    ),
    "Fault": shape(
        {"path": {**TEXT, "description": "JSON Pointer (RFC 6901)."}, "message": TEXT},
        text="One thing that is wrong, and where.",
    ),
    "Error": shape(
        {
            "success": {"type": "boolean", "const": False},
            "message": {**TEXT, "description": "For a person."},
            "code": {**TEXT, "description": "Stable, for a machine.", "pattern": "^[a-z0-9_]+$"},
            "errors": listed(ref("Fault")),
            "checks": ref("Checks"),
        },
        optional=("code", "errors", "checks"),
        text="Why a request was refused; it changed nothing.",
    ),
}


def handler_components() -> dict[str, Schema]:
    """Return the schema of each handler type, and `Handler`, which is one of them."""
    named = {kind: ref(handler.schema_name) for kind, handler in HANDLERS.items()}
    one_of_them: Schema = {
        "description": "How an action is run, told apart by `type`.",
        "oneOf": list(named.values()),
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: schema["$ref"] for kind, schema in named.items()},
        },
    }
    schemas = {handler.schema_name: handler.openapi_schema() for handler in HANDLERS.values()}
    return {**schemas, "Handler": one_of_them}
