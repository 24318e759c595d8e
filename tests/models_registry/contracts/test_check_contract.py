"""What a contract may be (the API page, "Contracts"; H11), with the pointer to each fault."""

from __future__ import annotations

import pytest

from models_registry.contracts import check_contract
from tests.examples import UPDATE_MODEL


def paths(schema: object) -> list[str]:
    return [fault.path for fault in check_contract(schema)]


def nested(levels: int) -> dict:
    schema: dict = {}
    for _ in range(levels - 1):
        schema = {"not": schema}
    return schema


def test_the_contracts_of_the_example_are_acceptable():
    for contract in UPDATE_MODEL["handler_contracts"].values():
        for schema in contract.values():
            assert check_contract(schema) == []


@pytest.mark.parametrize("document", [True, False, None, 1, 1.5, "{}", [], [{}]])
def test_what_is_not_an_object_is_refused(document):
    assert check_contract(document) == [("", "A contract must be an object.")]


def test_depth_64_is_acceptable_and_65_is_not():
    assert check_contract(nested(64)) == []
    assert check_contract(nested(65)) == [("", "The schema nests deeper than 64 levels.")]


def test_256_kib_are_acceptable_and_more_is_not():
    size = len('{"title":""}')
    assert check_contract({"title": "x" * (256 * 1024 - size)}) == []
    assert check_contract({"title": "x" * (256 * 1024 - size + 1)}) == [
        ("", "The schema is larger than 256 KiB.")
    ]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "text"}, "/type"),
        ({"type": 1}, "/type"),
        ({"type": ["string", "string"]}, "/type"),
        ({"type": []}, "/type"),
        ({"properties": []}, "/properties"),
        ({"properties": {"a": 1}}, "/properties/a"),
        ({"properties": {"a": {"type": "text"}}}, "/properties/a/type"),
        ({"properties": {"a/b~c": {"type": "text"}}}, "/properties/a~1b~0c/type"),
        ({"required": "a"}, "/required"),
        ({"required": ["a", "a"]}, "/required"),
        ({"required": ["a", 1]}, "/required"),
        ({"items": [{"type": "string"}]}, "/items"),  # the array form of draft-07
        ({"minimum": "1"}, "/minimum"),
        ({"multipleOf": 0}, "/multipleOf"),
        ({"minLength": -1}, "/minLength"),
        ({"enum": 1}, "/enum"),
        ({"allOf": []}, "/allOf"),
        ({"allOf": [1]}, "/allOf/0"),
        ({"not": None}, "/not"),
        ({"$ref": 1}, "/$ref"),
        ({"$id": 1}, "/$id"),
        ({"$id": "https://example.com/a#b"}, "/$id"),
        ({"$anchor": "1 2"}, "/$anchor"),
        ({"$defs": {"unused": {"type": "text"}}}, "/$defs/unused/type"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"$schema": 1}, "/$schema"),
        ({"dependentRequired": {"a": ["b", 1]}}, "/dependentRequired/a"),
    ],
)
def test_what_the_meta_schema_refuses_is_refused_with_its_pointer(schema, path):
    """H11."""
    assert set(paths(schema)) == {path}


def test_all_faults_are_returned_at_once():
    schema = {
        "properties": {"a": {"type": "text"}, "b": {"pattern": "("}},
        "items": {"$ref": "#/nowhere"},
        "$defs": {"c": {"$schema": "draft-07"}},
    }
    assert sorted(paths(schema)) == [
        "/$defs/c/$schema",
        "/items/$ref",
        "/properties/a/type",
        "/properties/b/pattern",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"x-unknown": [1, {"type": "text"}]},
        {"const": {"type": "text", "pattern": "("}},
        {"enum": [{"type": "text"}]},
        {"default": {"type": "text"}, "examples": [{"properties": 1}]},
        {"properties": {"type": {"type": "string"}, "enum": {}, "pattern": {}}},
        {"format": "unheard-of"},
        {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
        {"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": {"$ref": "#"}}]},
        {"type": ["array", "string"], "items": {"$ref": "#"}, "unevaluatedItems": False},
        {"required": [f"a{n}" for n in range(1000)]},
        {"enum": [f"a{n}" for n in range(1000)]},
        {"title": "\x00"},
    ],
)
def test_what_2020_12_allows_is_acceptable(schema):
    assert check_contract(schema) == []
    assert check_contract(schema) == []  # and stays so when it is known


@pytest.mark.parametrize("hostile", [{"a": 2**70}, {"a": "\ud800"}, {"\ud800": 1}, {"a": {1, 2}}])
def test_what_json_between_systems_cannot_hold_is_refused(hostile):
    assert check_contract({"const": hostile}) != []
