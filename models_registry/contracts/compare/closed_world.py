"""The closed world: an object carries only the properties that its own schema lists.

In the strict reading an open object may already carry any property with any value, so even a new
optional property breaks some payload. The lenient verdict of the API assumes a closed world.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from models_registry.contracts.compare.operand import Parts, for_item, for_member, schemas, together
from models_registry.contracts.subschemas import Contract

DEPTH_LIMIT = 6
PROPERTIES_LIMIT = 200
PLACES_LIMIT = 500
# The address of the original schema, beside the shape that closes it.
STRICT = "https://strict.invalid/"


def closed_world(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` with its open objects closed to the properties that are listed for them.

    Objects stay open if no property is listed, if a schema governs further properties, and beyond
    six levels or 500 places.
    """
    shape = _shape((Contract(schema).root,), 0, count(1))
    if shape == {}:
        return schema
    # The schema becomes a resource of its own: its references keep their meaning, and its
    # `unevaluatedProperties` don't see the properties listed here.
    return {
        "$defs": {"strict": {"$id": STRICT, **schema}},
        "allOf": [{"$ref": schema.get("$id", STRICT).removesuffix("#")}, shape],
    }


def listed_properties(schema: dict[str, Any]) -> set[str]:
    """Return the names of the properties that `schema` lists for the document itself."""
    return _listed(together((Contract(schema).root,)))


def _listed(parts: Parts) -> set[str]:
    found: set[str] = set()
    for schema in schemas(parts):
        found.update(schema.get("properties", ()), schema.get("required", ()))
    return found


def _shape(parts: Parts, depth: int, places: count[int]) -> dict[str, Any]:
    """Return a schema that admits only listed properties in objects, and in objects inside."""
    if depth > DEPTH_LIMIT or not parts or next(places) > PLACES_LIMIT:
        return {}
    parts = together(parts)
    shape: dict[str, Any] = {}
    names = sorted(_listed(parts))
    if names and len(names) <= PROPERTIES_LIMIT and not any(map(_governs_unlisted, schemas(parts))):
        patterns = {
            name for schema in schemas(parts) for name in schema.get("patternProperties", ())
        }
        shape["properties"] = {
            name: _shape(for_member(parts, name), depth + 1, places) for name in names
        }
        shape["patternProperties"] = {pattern: {} for pattern in sorted(patterns)}
        shape["additionalProperties"] = False
    items = _shape(for_item(parts, None), depth + 1, places)
    if items:
        shape["items"] = items
    return shape


def _governs_unlisted(schema: dict[str, Any]) -> bool:
    """Return whether it restricts properties that it does not list, instead of forbidding them."""
    others = ("additionalProperties", "unevaluatedProperties")
    return any(isinstance(schema.get(keyword), dict) and schema[keyword] for keyword in others)
