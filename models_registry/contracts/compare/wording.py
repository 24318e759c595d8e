"""The words for a difference: the stable name of its kind, and a sentence for a person."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

SHOWN_LIMIT = 80
NUMBER_OF_TYPES = {"integer", "number"}

# By keyword: what is bounded. A larger lower bound is tighter, a larger upper bound looser.
LOWER_BOUNDS = {
    "minimum": "The smallest number",
    "exclusiveMinimum": "The number that must be exceeded",
    "minLength": "The fewest characters",
    "minItems": "The fewest items",
    "minContains": "The fewest items that `contains` asks for",
    "minProperties": "The fewest properties",
}
UPPER_BOUNDS = {
    "maximum": "The largest number",
    "exclusiveMaximum": "The number that must not be reached",
    "maxLength": "The most characters",
    "maxItems": "The most items",
    "maxContains": "The most items that `contains` allows",
    "maxProperties": "The most properties",
}
# By keyword: the kinds when it is added and removed, and what it is.
MEMBERS = {
    "properties": ("property_added", "property_removed", "The property {}"),
    "patternProperties": (
        "pattern_property_added",
        "pattern_property_removed",
        "A rule for properties whose name matches {}",
    ),
    "dependentSchemas": (
        "dependent_schema_added",
        "dependent_schema_removed",
        "A rule for objects that have the property {}",
    ),
    "dependencies": ("dependency_added", "dependency_removed", "The dependency {}"),
    "$defs": ("definition_added", "definition_removed", "The definition {}"),
    "definitions": ("definition_added", "definition_removed", "The definition {}"),
}
# Annotations and identifiers by the draft; they don't restrict values by themselves.
NOT_RESTRICTING = {
    "default": "default",
    "format": "format",
    "contentEncoding": "content_encoding",
    "contentMediaType": "content_media_type",
    "contentSchema": "content_schema",
    "$id": "identifier",
    "$schema": "dialect",
    "$anchor": "anchor",
    "$dynamicAnchor": "anchor",
    "$vocabulary": "vocabulary",
}
STEMS = {
    # As maps, which are only reported if an empty one is added or removed.
    "properties": "properties",
    "patternProperties": "pattern_properties",
    "dependentSchemas": "dependent_schemas",
    "dependencies": "dependencies",
    "$defs": "definitions",
    "definitions": "definitions",
    "const": "constant",
    "pattern": "pattern",
    "multipleOf": "multiple_of",
    "dependentRequired": "dependency",
    "additionalProperties": "additional_properties",
    "unevaluatedProperties": "unevaluated_properties",
    "unevaluatedItems": "unevaluated_items",
    "propertyNames": "property_names",
    "prefixItems": "prefix_items",
    "allOf": "all_of",
    "anyOf": "any_of",
    "oneOf": "one_of",
    "$ref": "reference",
    "$dynamicRef": "reference",
    "enum": "enum",
    "uniqueItems": "unique_items",
} | NOT_RESTRICTING


class Words(NamedTuple):
    """The stable name of the kind of a difference, and a sentence."""

    kind: str
    message: str


def of_keyword(keyword: str, before: Any, after: Any, *, name: str | None = None) -> Words:
    """Return the words for one change; an absent value is no JSON value (`changes.ABSENT`)."""
    if keyword == "type":
        return _of_type(before, after)
    if keyword in LOWER_BOUNDS or keyword in UPPER_BOUNDS:
        return _of_bound(keyword, before, after)
    if keyword == "required" and name is not None:
        return _of_required(name, is_now=after is True)
    if keyword in MEMBERS and name is not None:
        return _of_member(keyword, name, before, after)
    return _of_any(keyword, before, after)


def is_json(value: Any) -> bool:
    """Return whether there is a value."""
    return value is None or isinstance(value, str | bool | int | float | list | dict)


def _of_type(before: Any, after: Any) -> Words:
    old, new = _types(before), _types(after)
    if old == new:
        return Words("type_changed", "The same types are written another way.")
    message = f"The type was {_shown(before, 'any')} and is now {_shown(after, 'any')}."
    if new is None or (old is not None and old < new):
        return Words("type_widened", message)
    if old is None or new < old:
        return Words("type_narrowed", message)
    return Words("type_changed", message)


def _types(value: Any) -> set[str] | None:
    """Return the allowed types, None for all; every integer is a number."""
    if not is_json(value):
        return None
    types = set(value if isinstance(value, list) else [value])
    return types | {"integer"} if "number" in types else types


def _of_bound(keyword: str, before: Any, after: Any) -> Words:
    what = LOWER_BOUNDS.get(keyword) or UPPER_BOUNDS[keyword]
    if not is_json(before):
        return Words("bound_added", f"{what} is now {_shown(after)}.")
    if not is_json(after):
        return Words("bound_removed", f"{what} was {_shown(before)} and is no longer bounded.")
    is_tighter = (after > before) is (keyword in LOWER_BOUNDS)
    kind = "bound_tightened" if is_tighter else "bound_loosened"
    return Words(kind, f"{what} was {_shown(before)} and is now {_shown(after)}.")


def _of_required(name: str, *, is_now: bool) -> Words:
    if is_now:
        return Words("now_required", f"The property {_shown(name)} is now required.")
    return Words("no_longer_required", f"The property {_shown(name)} is no longer required.")


def _of_member(keyword: str, name: str, before: Any, after: Any) -> Words:
    added, removed, what = MEMBERS[keyword]
    what = what.format(_shown(name))
    if not is_json(before):
        return Words(added, f"{what} is new.")
    if not is_json(after):
        return Words(removed, f"{what} is gone.")
    message = f"{what} took {_taken(before)} and now takes {_taken(after)}."
    return Words(f"{added.removesuffix('_added')}_changed", message)


def _taken(schema: Any) -> str:
    """Return what fits a schema that is replaced as a whole, such as true or false."""
    if isinstance(schema, bool):
        return "anything" if schema else "nothing at all"
    return f"what fits {_shown(schema)}"


def of_options(keyword: str, options: list[Any], *, is_there: bool) -> Words:
    """Return the words for `options` that were added to, or removed from, a list with others."""
    if keyword == "enum":
        kind, said = (
            ("enum_value_added", "Also allowed now")
            if is_there
            else ("enum_value_removed", "No longer allowed")
        )
        return Words(kind, f"{said}: {_listed(options)}.")
    kind = f"{STEMS[keyword]}_{'branch_added' if is_there else 'branch_removed'}"
    said = "New in" if is_there else "Gone from"
    return Words(kind, f"{said} `{keyword}`: {_listed(options)}.")


def _of_any(keyword: str, before: Any, after: Any) -> Words:
    stem = STEMS.get(keyword) or _snake(keyword)
    what = "A condition" if keyword == "if" else f"`{keyword}`"
    if not is_json(before):
        return Words(f"{stem}_added", f"{what} is new: {_shown(after)}.")
    if not is_json(after):
        return Words(f"{stem}_removed", f"{what} is gone; it was {_shown(before)}.")
    message = f"`{keyword}` was {_shown(before)} and is now {_shown(after)}."
    return Words(f"{stem}_changed", message)


def _snake(keyword: str) -> str:
    known = {"allOf", "not", "if", "then", "else", "contains", "items", "required"}
    return keyword if keyword in known else "unknown_keyword"


def _listed(options: list[Any]) -> str:
    shown = ", ".join(_shown(option) for option in options[:5])
    return shown if len(options) <= 5 else f"{shown} and {len(options) - 5} more"


def _shown(value: Any, absent: str = "") -> str:
    if not is_json(value):
        return absent
    text = orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_LIMIT else text[: SHOWN_LIMIT - 1] + "…"
