"""The types that the API answers, by their names in the OpenAPI document.

Every answer in the test suite is held against them, so they can't drift from what is shown.
"""

from __future__ import annotations

from typing import Annotated, Any

from models_registry.api import representations as shown
from models_registry.contracts.compare.verdict import Counterexample, Verdict
from models_registry.errors import FaultObject
from models_registry.handlers import HANDLERS as HANDLER_TYPES
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


# By the name of the class: "LambdaHandler".
HANDLERS: dict[str, Schema] = {
    type(handler).__name__: handler.openapi_schema for handler in HANDLER_TYPES.values()
}
HANDLERS["Handler"] = {
    "description": "How an action is run, told apart by `type`.",
    "oneOf": [ref(name) for name in HANDLERS],
    "discriminator": {
        "propertyName": "type",
        "mapping": {
            kind: ref(type(handler).__name__)["$ref"] for kind, handler in HANDLER_TYPES.items()
        },
    },
}
