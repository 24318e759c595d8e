"""The components of the OpenAPI document: JSON Schemas of the types that the API answers.

A type that has a name in the document is referred to by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from django.db.models.enums import ChoicesType
from drf_spectacular.plumbing import get_doc, resolve_type_hint

from models_registry.api.openapi.components import TYPES, Schema, handler_components, ref
from models_registry.json_types import Component, Keywords
from subscriptions.api.openapi.components import TYPES as SUBSCRIPTION_TYPES


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the schemas that answers refer to by name; a hook of drf-spectacular."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(handler_components(), **components_of(TYPES | SUBSCRIPTION_TYPES))
    return result


def components_of(types: Mapping[str, Any]) -> dict[str, Schema]:
    """Return the schema of each type, by its name in the document."""
    names = {_bare(hint): name for name, hint in types.items()}
    return {name: _completed(_written(hint, names), hint) for name, hint in types.items()}


def _schema(hint: Any, names: Mapping[Any, str]) -> Schema:
    name = names.get(_bare(hint))
    return _completed(_written(hint, names) if name is None else ref(name), hint)


def _written(hint: Any, names: Mapping[Any, str]) -> Schema:
    """Return the schema of a type itself, whether it has a name or not."""
    bare = _bare(hint)
    origin, parts = get_origin(bare), get_args(bare)
    if is_typeddict(bare) or is_dataclass(bare):
        return _object(bare, names)
    if origin in (Union, UnionType):
        null: list[Schema] = [{"type": "null"}] if NoneType in parts else []
        return {"oneOf": [_schema(each, names) for each in parts if each is not NoneType] + null}
    if origin in (list, tuple):  # a tuple of any length
        return {"type": "array", "items": _schema(parts[0], names)}
    schema: Schema = {} if bare is Any else resolve_type_hint(bare)  # type: ignore[no-untyped-call]
    return schema


def _object(hint: Any, names: Mapping[Any, str]) -> Schema:
    """Return the schema of a TypedDict or dataclass, which has no other members."""
    members = get_type_hints(hint, include_extras=True)
    return {
        "type": "object",
        "description": get_doc(hint),
        "properties": {name: _schema(member, names) for name, member in members.items()},
        # Not `__required_keys__`: every key is in it where annotations are postponed.
        "required": [
            name for name, member in members.items() if get_origin(member) is not NotRequired
        ],
        "additionalProperties": False,
    }


def _completed(schema: Schema, hint: Any) -> Schema:
    """Return `schema` with what stands beside the type in `Annotated`."""
    if get_origin(hint) is NotRequired:
        return _completed(schema, get_args(hint)[0])
    for more in getattr(hint, "__metadata__", ()):
        if isinstance(more, str):
            schema = {**schema, "description": more}
        elif isinstance(more, ChoicesType):
            schema = {**schema, "enum": more.values}
        elif isinstance(more, Component):
            schema = ref(more.name)
        elif isinstance(more, Keywords):
            schema = {**schema, **more.keywords}
    return schema


def _bare(hint: Any) -> Any:
    """Return a type without `NotRequired` and `Annotated` around it."""
    while get_origin(hint) in (NotRequired, Annotated):
        hint = get_args(hint)[0]
    return hint
