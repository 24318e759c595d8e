"""The types that the API answers, by their names in the OpenAPI document.

Every answer in the test suite is held against them, so they can't drift from what is shown.
"""

from __future__ import annotations

from typing import Annotated, Any

from models_registry.api import response_types as shown
from models_registry.contracts.compare.verdict import Counterexample, Verdict
from models_registry.errors import FaultObject
from models_registry.handlers import HANDLERS
from models_registry.observability.readiness import State
from models_registry.services.versions import TriggeredEvent

Schema = dict[str, Any]

TYPES: dict[str, Any] = {
    "Model": shown.ModelObject,
    "Version": shown.VersionObject,
    "FrozenVersion": shown.FrozenVersionObject,
    "ModelAndVersion": shown.ModelAndVersion,
    "StatusChange": shown.StatusChangeObject,
    "TriggeredEvent": TriggeredEvent,
    "Job": shown.JobObject,
    "Cause": shown.CauseObject,
    "RepeatedJob": shown.RepeatedJobObject,
    "TrainingJob": shown.TrainingJobObject,
    "InferenceJob": shown.InferenceJobObject,
    "Completion": shown.CompletionObject,
    "AuditEntry": shown.AuditObject,
    "Actor": shown.ActorObject,
    "Health": shown.HealthObject,
    "Readiness": shown.ReadinessObject,
    "Checks": shown.ChecksObject,
    "Check": State,
    "Verdict": Annotated[
        Verdict, "`compatible` is proved, `incompatible` has a witness, else `unknown`."
    ],
    "Witness": Counterexample,
    "Fault": FaultObject,
    "Error": shown.ErrorObject,
}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Schema) -> Schema:
    """Return a bare array."""
    return {"type": "array", "items": item}


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
