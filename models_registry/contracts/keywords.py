"""The keywords of Draft 2020-12: which contain subschemas, and what these apply to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# The address of a document that has no `$id` of its own.
NAMELESS = "https://contract.invalid/"

# By the shape of the keyword's value. The value of any other keyword (`enum`, `const`, `default`,
# `examples`, unknown ones) is data, unless a `$ref` points into it.
SINGLE = frozenset(
    {
        "additionalProperties",
        "unevaluatedProperties",
        "propertyNames",
        "items",
        "unevaluatedItems",
        "contains",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
    }
)
LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
# `definitions` and `dependencies` are from older drafts; the meta-schema still knows them.
MAPS = frozenset(
    {
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "definitions",
        "dependencies",
    }
)

# By what a subschema applies to: the same value, or a part of it.
IN_PLACE = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "$ref"}
    | {"$dynamicRef"}
)
OF_MEMBERS = frozenset(
    {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"}
)
OF_NAMES = frozenset({"propertyNames"})
OF_ITEMS = frozenset({"prefixItems", "items", "contains", "unevaluatedItems"})
# These apply to nothing by themselves.
DEFINING = frozenset({"$defs", "definitions", "dependencies", "contentSchema"})

REFERENCES = ("$ref", "$dynamicRef")

# They don't restrict values; as the API page lists them.
ANNOTATIONS = frozenset(
    {"title", "description", "$comment", "examples", "deprecated", "readOnly", "writeOnly"}
)


def parts(schema: dict[str, Any]) -> Iterator[tuple[str, str | int | None, Any]]:
    """Yield (keyword, key or index or None, subschema) for every place of a subschema.

    The subschema may be no valid schema; keywords of a wrong shape are skipped.
    """
    for keyword, value in schema.items():
        if keyword in SINGLE:
            yield keyword, None, value
        elif keyword in LISTS and isinstance(value, list):
            for index, item in enumerate(value):
                yield keyword, index, item
        elif keyword in MAPS and isinstance(value, dict):
            for key, item in value.items():
                yield keyword, key, item
