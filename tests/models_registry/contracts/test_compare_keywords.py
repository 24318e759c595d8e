"""Keyword by keyword: no keyword of the draft is silently ignored when contracts are compared."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema_specifications import REGISTRY

from models_registry.contracts import check_payload
from models_registry.contracts.compare import compare

ANY_X = {"properties": {"x": {}}}

# (keyword, a wider schema, a narrower one that differs in that keyword).
NARROWINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("type", {"type": ["string", "integer"]}, {"type": "string"}),
    ("type", {"type": "number"}, {"type": "integer"}),
    ("enum", {"enum": [1, "a"]}, {"enum": [1]}),
    ("const", {"enum": [1, 2]}, {"enum": [1, 2], "const": 1}),
    ("const", {}, {"const": {"a": [1]}}),
    ("multipleOf", {"type": "integer"}, {"type": "integer", "multipleOf": 3}),
    ("maximum", {"maximum": 9}, {"maximum": 8}),
    ("exclusiveMaximum", {"type": "number"}, {"type": "number", "exclusiveMaximum": 5}),
    ("minimum", {"minimum": -1}, {"minimum": 0}),
    ("exclusiveMinimum", {"exclusiveMinimum": 1}, {"exclusiveMinimum": 2}),
    ("maxLength", {"maxLength": 9}, {"maxLength": 8}),
    ("minLength", {}, {"minLength": 2}),
    ("pattern", {"type": "string"}, {"type": "string", "pattern": "^a+$"}),
    ("pattern", {"minLength": 1}, {"minLength": 1, "pattern": "^a"}),
    ("maxItems", {"maxItems": 3}, {"maxItems": 2}),
    ("minItems", {"type": "array"}, {"type": "array", "minItems": 2}),
    ("uniqueItems", {"type": "array"}, {"type": "array", "uniqueItems": True}),
    ("contains", {"type": "array"}, {"type": "array", "contains": {"const": 1}}),
    (
        "maxContains",
        {"contains": {"type": "integer"}},
        {"contains": {"type": "integer"}, "maxContains": 1},
    ),
    (
        "minContains",
        {"contains": {"type": "integer"}},
        {"contains": {"type": "integer"}, "minContains": 2},
    ),
    ("maxProperties", {}, {"maxProperties": 1}),
    ("minProperties", {"type": "object"}, {"type": "object", "minProperties": 1}),
    ("required", {"type": "object"}, {"type": "object", "required": ["x"]}),
    (
        "dependentRequired",
        {"type": "object"},
        {"type": "object", "dependentRequired": {"x": ["y"]}},
    ),
    ("properties", ANY_X, {"properties": {"x": {"type": "string"}}}),
    (
        "patternProperties",
        {"type": "object"},
        {"type": "object", "patternProperties": {"^n_": {"type": "number"}}},
    ),
    ("additionalProperties", ANY_X, {**ANY_X, "additionalProperties": False}),
    ("propertyNames", {"type": "object"}, {"type": "object", "propertyNames": {"maxLength": 3}}),
    ("unevaluatedProperties", ANY_X, {**ANY_X, "unevaluatedProperties": False}),
    ("items", {"type": "array"}, {"type": "array", "items": {"type": "number"}}),
    ("prefixItems", {"type": "array"}, {"type": "array", "prefixItems": [{"type": "null"}]}),
    ("unevaluatedItems", {"prefixItems": [{}]}, {"prefixItems": [{}], "unevaluatedItems": False}),
    ("allOf", {"type": "integer"}, {"type": "integer", "allOf": [{"minimum": 3}]}),
    ("anyOf", {}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ("oneOf", {}, {"oneOf": [{"minimum": 3}, {"maximum": 5}]}),
    ("not", {}, {"not": {"required": ["x"]}}),
    ("if", {"then": {"minimum": 5}}, {"if": {"type": "integer"}, "then": {"minimum": 5}}),
    ("then", {"if": {"type": "integer"}}, {"if": {"type": "integer"}, "then": {"minimum": 5}}),
    ("else", {"if": {"type": "integer"}}, {"if": {"type": "integer"}, "else": {"maxLength": 1}}),
    (
        "dependentSchemas",
        {"type": "object"},
        {"type": "object", "dependentSchemas": {"x": {"required": ["y"]}}},
    ),
    (
        "$ref",
        {"$defs": {"t": {"type": "null"}}},
        {"$defs": {"t": {"type": "null"}}, "$ref": "#/$defs/t"},
    ),
    (
        "$dynamicRef",
        {"$defs": {"t": {"$dynamicAnchor": "t", "type": "null"}}},
        {"$defs": {"t": {"$dynamicAnchor": "t", "type": "null"}}, "$dynamicRef": "#t"},
    ),
    (
        "$defs",
        {"$defs": {"t": {}}, "$ref": "#/$defs/t"},
        {"$defs": {"t": {"type": "null"}}, "$ref": "#/$defs/t"},
    ),
    (
        "$anchor",
        {"$defs": {"t": {"$anchor": "t"}, "u": {"$anchor": "u", "type": "null"}}, "$ref": "#t"},
        {"$defs": {"t": {"$anchor": "u"}, "u": {"$anchor": "t", "type": "null"}}, "$ref": "#t"},
    ),
    (
        "$dynamicAnchor",
        {
            "$defs": {"t": {"$dynamicAnchor": "t"}, "u": {"$dynamicAnchor": "u", "type": "null"}},
            "$dynamicRef": "#t",
        },
        {
            "$defs": {"t": {"$dynamicAnchor": "u"}, "u": {"$dynamicAnchor": "t", "type": "null"}},
            "$dynamicRef": "#t",
        },
    ),
]

# Keywords that refuse nothing by themselves: a change is reported, and is no incompatibility.
HARMLESS: dict[str, tuple[Any, Any]] = {
    "format": ("date", "email"),
    "default": (1, 2),
    "contentEncoding": ("base64", "base32"),
    "contentMediaType": ("text/plain", "text/html"),
    "contentSchema": ({"type": "null"}, {"type": "string"}),
    "$id": ("https://a.invalid/1", "https://a.invalid/2"),
    "$vocabulary": ({"https://a.invalid/v": False}, {"https://a.invalid/w": False}),
    "x-of-ours": (1, 2),
}
ANNOTATIONS = {
    "title": ("a", "b"),
    "description": ("a", "b"),
    "$comment": ("a", "b"),
    "examples": ([1], [2]),
    "deprecated": (True, False),
    "readOnly": (True, False),
    "writeOnly": (True, False),
}
# The one value there may be (another is refused), and what older drafts left behind.
FIXED = {"$schema", "$recursiveRef", "$recursiveAnchor", "definitions", "dependencies"}

NAMED = [pytest.param(*each, id=f"{index}-{each[0]}") for index, each in enumerate(NARROWINGS)]


def test_every_keyword_of_the_draft_is_tried_below():
    vocabularies = (
        contents
        for address in REGISTRY
        if address.startswith("https://json-schema.org/draft/2020-12/")
        for contents in [REGISTRY.contents(address)]
    )
    known = {keyword for each in vocabularies for keyword in each.get("properties", ())}

    tried = {keyword for keyword, _, _ in NARROWINGS}
    assert {"unevaluatedItems", "$dynamicRef", "format", "title"} <= known
    assert known <= tried | set(HARMLESS) | set(ANNOTATIONS) | FIXED


@pytest.mark.parametrize(("keyword", "wide", "narrow"), NAMED)
def test_a_narrower_keyword_is_reported_and_breaks_an_input(keyword, wide, narrow):
    comparison = compare(wide, narrow, direction="input")

    assert comparison["changed"]
    assert keyword in {part for each in comparison["changes"] for part in _words(each)}
    assert comparison["verdict"] == "incompatible"
    witness = comparison["witness"]["value"]
    assert check_payload(wide, witness) == []
    assert check_payload(narrow, witness) != []


@pytest.mark.parametrize(("keyword", "wide", "narrow"), NAMED)
def test_a_wider_keyword_breaks_no_input_and_breaks_an_output(keyword, wide, narrow):
    assert compare(narrow, wide, direction="input")["verdict"] != "incompatible"
    assert compare(narrow, wide, direction="output")["verdict"] == "incompatible"


@pytest.mark.parametrize(("keyword", "wide", "narrow"), NAMED)
def test_it_is_reported_wherever_in_the_contract_it_stands(keyword, wide, narrow):
    """Within a property of the items of a list: the pointer leads there."""
    before, after = (
        {"properties": {"a/b": {"items": {"$id": "https://inner.invalid/", **schema}}}}
        for schema in (wide, narrow)
    )
    comparison = compare(before, after, direction="input")

    assert all(
        each["pointer"].startswith("/properties/a~1b/items/") for each in comparison["changes"]
    )
    assert comparison["verdict"] in {"incompatible", "unknown"}


@pytest.mark.parametrize("keyword", HARMLESS)
def test_a_keyword_that_refuses_nothing_is_reported_and_never_incompatible(keyword):
    before, after = ({"type": "string", keyword: value} for value in HARMLESS[keyword])
    comparison = compare(before, after, direction="input")

    assert comparison["changed"]
    assert {each["keyword"] for each in comparison["changes"]} <= {keyword, "type"}
    assert comparison["verdict"] != "incompatible"


@pytest.mark.parametrize("keyword", ANNOTATIONS)
def test_an_annotation_is_no_difference(keyword):
    before, after = ({"type": "string", keyword: value} for value in ANNOTATIONS[keyword])
    comparison = compare(before, after, direction="input")

    assert not comparison["changed"]
    assert comparison["changes"] == []
    assert comparison["verdict"] == "compatible"


@pytest.mark.parametrize("keyword", ANNOTATIONS)
def test_a_property_that_is_named_like_an_annotation_is_one(keyword):
    before = {"properties": {keyword: {"type": "string"}}}
    after = {"properties": {keyword: {"type": "integer"}}}
    (change,) = compare(before, after, direction="input")["changes"]

    assert (change["pointer"], change["verdict"]) == (f"/properties/{keyword}/type", "incompatible")


def _words(change: Any) -> list[str]:
    return [change["keyword"], *change["pointer"].split("/")]
