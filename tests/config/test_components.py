"""How a type that the API answers becomes a component of the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from config.api.components import components_of
from models_registry.json_types import Component, JSONObject, Keywords, NonNegativeInt
from models_registry.models import Action


class Part(TypedDict):
    """A part."""

    count: NonNegativeInt


class Whole(TypedDict):
    """A whole."""

    part: Part
    parts: NotRequired[list[Part]]
    action: Annotated[str, Action]
    kind: Annotated[Literal["a", "b"], "Which it is."]
    size: NonNegativeInt | None
    code: NotRequired[Annotated[str, Keywords(pattern="^a+$")]]
    free: JSONObject
    handlers: Annotated[JSONObject, Component("Handlers")]
    value: Any


def test_a_type_becomes_a_closed_object_that_refers_to_named_types():
    part = {"$ref": "#/components/schemas/APart"}
    assert components_of({"AWhole": Whole, "APart": Part})["AWhole"] == {
        "type": "object",
        "description": "A whole.",
        "properties": {
            "part": part,
            "parts": {"type": "array", "items": part},
            "action": {"type": "string", "enum": ["training", "inference"]},
            "kind": {"type": "string", "enum": ["a", "b"], "description": "Which it is."},
            "size": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
            "code": {"type": "string", "pattern": "^a+$"},
            "free": {"type": "object", "additionalProperties": True},
            "handlers": {"$ref": "#/components/schemas/Handlers"},
            "value": {},
        },
        "required": ["part", "action", "kind", "size", "free", "handlers", "value"],
        "additionalProperties": False,
    }


def test_a_type_without_a_name_is_written_where_it_is_used():
    whole = components_of({"AWhole": Whole})["AWhole"]

    assert whole["properties"]["part"] == {
        "type": "object",
        "description": "A part.",
        "properties": {"count": {"type": "integer", "minimum": 0}},
        "required": ["count"],
        "additionalProperties": False,
    }
