"""The lenient reading: an object carries only names that its own schema lists.

Strictly, an object that is open may already carry any name with any value, so that even a new
optional property breaks some payload. Leniently, names its schema does not list are left out.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from models_registry.contracts.compare.operand import Parts, for_item, for_member, schemas, together
from models_registry.contracts.subschemas import Contract

DEPTH_LIMIT = 6
NAMES_LIMIT = 200
PLACES_LIMIT = 500
# The address of the schema as it is, beside the shape it is held to.
STRICT = "https://strict.invalid/"


def without_unlisted_names(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` with its open objects closed to the names listed for them.

    Objects stay open where no name is listed, where a schema governs further names, and more
    than six levels or 500 places down.
    """
    shape = _shape((Contract(schema).root,), 0, count(1))
    if shape == {}:
        return schema
    # Beside the schema as a resource of its own: its references keep their meaning, and its
    # `unevaluatedProperties` don't see the names listed here.
    return {
        "$defs": {"strict": {"$id": STRICT, **schema}},
        "allOf": [{"$ref": schema.get("$id", STRICT).removesuffix("#")}, shape],
    }


def listed_names(schema: dict[str, Any]) -> set[str]:
    """Return the property names that `schema` lists for the document itself."""
    return _listed(together((Contract(schema).root,)))


def _listed(parts: Parts) -> set[str]:
    found: set[str] = set()
    for schema in schemas(parts):
        found.update(schema.get("properties", ()), schema.get("required", ()))
    return found


def _shape(parts: Parts, depth: int, places: count[int]) -> dict[str, Any]:
    """Return a schema that admits just the objects, and objects inside, of listed names."""
    if depth > DEPTH_LIMIT or not parts or next(places) > PLACES_LIMIT:
        return {}
    parts = together(parts)
    shape: dict[str, Any] = {}
    names = sorted(_listed(parts))
    if names and len(names) <= NAMES_LIMIT and not any(map(_governs_others, schemas(parts))):
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


def _governs_others(schema: dict[str, Any]) -> bool:
    """Whether it says something of names that it does not list, other than to forbid them."""
    others = ("additionalProperties", "unevaluatedProperties")
    return any(isinstance(schema.get(keyword), dict) and schema[keyword] for keyword in others)
