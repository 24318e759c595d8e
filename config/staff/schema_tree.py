"""Renders a JSON Schema as an HTML tree: names, types, required, bounds; always escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# A larger tree is unreadable; the rest is left out.
NODES_LIMIT = 400
# How many levels are open at first.
OPEN_DEPTH = 2
TEXT_CHARACTERS = 160

# Keywords that are shown as a short phrase beside the name.
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}",
    "minLength": "characters ≥ {}",
    "maxLength": "characters ≤ {}",
    "pattern": "matches {}",
    "format": "format {}",
    "minItems": "items ≥ {}",
    "maxItems": "items ≤ {}",
    "uniqueItems": "unique: {}",
    "minContains": "matching items ≥ {}",
    "maxContains": "matching items ≤ {}",
    "minProperties": "properties ≥ {}",
    "maxProperties": "properties ≤ {}",
    "const": "constant {}",
    "enum": "one of {}",
    "default": "default {}",
    "$ref": "see {}",
    "$dynamicRef": "see {}",
    "contentEncoding": "encoded in {}",
    "contentMediaType": "media type {}",
}
# Keywords with one schema, with a list of schemas, and with schemas by name; with their labels.
SINGLE = {
    "items": "each item",
    "contains": "at least one item",
    "additionalProperties": "other properties",
    "unevaluatedProperties": "any other property",
    "unevaluatedItems": "any other item",
    "propertyNames": "property names",
    "not": "not",
    "if": "if",
    "then": "then",
    "else": "else",
}
LISTS = {"prefixItems": "item", "allOf": "all of", "anyOf": "any of", "oneOf": "exactly one of"}
NAMED = {
    "patternProperties": "properties like",
    "dependentSchemas": "if present:",
    "$defs": "definition",
}


@dataclass
class _Budget:
    nodes: int = NODES_LIMIT


def schema_tree(schema: Any) -> SafeString:
    """Return a schema as nested lists."""
    budget = _Budget()
    root = _node("value", schema, is_required=False, depth=0, budget=budget)
    return format_html('<ul class="mp-tree">{}</ul>', root)


def _node(name: str, schema: Any, *, is_required: bool, depth: int, budget: _Budget) -> SafeString:
    budget.nodes -= 1
    head = _head(name, schema, is_required)
    inner = []
    for label, part, required in _parts(schema):
        if budget.nodes <= 0:
            inner.append(format_html('<li class="mp-subtle">{}</li>', "… and more"))
            break
        inner.append(_node(label, part, is_required=required, depth=depth + 1, budget=budget))
    if not inner:
        return format_html("<li>{}</li>", head)
    return format_html(
        "<li><details{}><summary>{}</summary><ul>{}</ul></details></li>",
        SafeString(" open") if depth < OPEN_DEPTH else "",
        head,
        format_html_join("", "{}", ((each,) for each in inner)),
    )


def _head(name: str, schema: Any, is_required: bool) -> SafeString:
    words = [format_html('<span class="mp-tree-name">{}</span>', _short(name))]
    words.append(format_html('<span class="mp-tree-type">{}</span>', _type(schema)))
    if is_required:
        words.append(format_html('<span class="mp-tree-required">{}</span>', "required"))
    if isinstance(schema, Mapping):
        for bound in _bounds(schema):
            words.append(format_html('<span class="mp-tree-bound">{}</span>', bound))
        for keyword in ("title", "description"):
            if schema.get(keyword):
                text = _short(str(schema[keyword]))
                words.append(format_html('<span class="mp-tree-text">{}</span>', text))
    return format_html_join(" ", "{}", ((word,) for word in words))


def _type(schema: Any) -> str:
    if schema is True or schema == {}:
        return "anything"
    if schema is False:
        return "nothing"
    if not isinstance(schema, Mapping):
        return "?"
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(str(each) for each in kind)
    return str(kind) if kind else ""


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for keyword, phrase in BOUNDS.items():
        if keyword in schema:
            yield phrase.format(_value(schema[keyword]))
    if schema.get("additionalProperties") is False:
        yield "no other properties"
    for name, needed in _entries(schema.get("dependentRequired")):
        yield f"{_short(name)} requires {_value(needed)}"


def _parts(schema: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield the subschemas: label, schema, and whether the property is required."""
    if not isinstance(schema, Mapping):
        return
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    properties = dict(_entries(schema.get("properties")))
    for name, part in properties.items():
        yield name, part, name in names
    for name in names:
        if name not in properties:
            yield str(name), True, True
    yield from _keyword_parts(schema)


def _keyword_parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    for keyword, label in SINGLE.items():
        is_shown = keyword == "additionalProperties" and schema.get(keyword) is False
        if keyword in schema and not is_shown:
            yield label, schema[keyword], False
    for keyword, label in LISTS.items():
        parts = schema.get(keyword)
        for number, part in enumerate(parts if isinstance(parts, list) else [], start=1):
            yield f"{label} ({number})", part, False
    for keyword, label in NAMED.items():
        for name, part in _entries(schema.get(keyword)):
            yield f"{label} {name}", part, False


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    return iter(value.items()) if isinstance(value, Mapping) else iter(())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return _short(", ".join(_plain(each) for each in value))
    return _short(_plain(value))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _short(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS else f"{text[:TEXT_CHARACTERS]}…"
