"""Checking payloads: every fault by pointer and keyword, never by the value found (H12)."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from models_registry.contracts import check_contract, check_payload, compiled, payloads
from models_registry.contracts.caches import BoundedCache
from models_registry.errors import Fault
from tests.models_registry.contracts import hostile

CANARY = "CANARY-7f3a"


@pytest.mark.parametrize(
    ("schema", "payload", "faults"),
    [
        ({"type": "string"}, 1, [("", 'type: expected the type "string"')]),
        (
            {"type": ["string", "null"]},
            1,
            [("", 'type: expected the type ["string","null"]')],
        ),
        ({"enum": ["a", "b"]}, "c", [("", 'enum: expected one of ["a","b"]')]),
        ({"const": 1}, 2, [("", "const: expected 1")]),
        ({"minimum": 1}, 0, [("", "minimum: expected at least 1")]),
        ({"exclusiveMaximum": 1}, 1, [("", "exclusiveMaximum: expected less than 1")]),
        ({"multipleOf": 0.5}, 0.7, [("", "multipleOf: expected a multiple of 0.5")]),
        ({"minLength": 2}, "a", [("", "minLength: expected at least 2 characters")]),
        ({"pattern": "^a"}, "b", [("", 'pattern: expected text that matches "^a"')]),
        ({"maxItems": 1}, [1, 2], [("", "maxItems: expected at most 1 items")]),
        ({"uniqueItems": True}, [1, 1], [("", "uniqueItems: expected items that all differ")]),
        (
            {"required": ["a", "b", "c"]},
            {"b": 1},
            [
                ("", 'required: the property "a" is missing'),
                ("", 'required: the property "c" is missing'),
            ],
        ),
        (
            {"properties": {"a": {"properties": {"b/c": {"type": "null"}}}}},
            {"a": {"b/c": 1}},
            [("/a/b~1c", 'type: expected the type "null"')],
        ),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"a": 1, "b": 2},
            [("/b", "additionalProperties: nothing is allowed here")],
        ),
        (
            {"patternProperties": {"^x": {"type": "null"}}, "additionalProperties": True},
            {"x1": 1, "y": 1},
            [("/x1", 'type: expected the type "null"')],
        ),
        (
            {"prefixItems": [{"type": "null"}], "items": {"type": "integer"}},
            [1, 2, "x"],
            [
                ("/0", 'type: expected the type "null"'),
                ("/2", 'type: expected the type "integer"'),
            ],
        ),
        (
            {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"minimum": 5}}},
            1,
            [("", "minimum: expected at least 5")],
        ),
        (
            {"if": {"minimum": 5}, "then": {"maximum": 6}, "else": {"type": "integer"}},
            9,
            [("", "maximum: expected at most 6")],
        ),
        (
            {"dependentSchemas": {"a": {"required": ["b"]}}},
            {"a": 1},
            [("", 'required: the property "b" is missing')],
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            1,
            [("", "anyOf: expected to fit one of 2 alternatives, fits 0")],
        ),
        (
            {"oneOf": [{"type": "integer"}, {"minimum": 0}]},
            1,
            [("", "oneOf: expected to fit exactly one of 2 alternatives, fits 2")],
        ),
        ({"not": {"type": "null"}}, None, [("", "not: fits what it must not fit")]),
        (
            {"items": {"contains": {"const": 1}}},
            [[1], [2]],
            [
                (
                    "/1",
                    "contains: expected items that fit the contract's `contains`,"
                    " in the number it asks for",
                )
            ],
        ),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            [("", "propertyNames: a property's name is not allowed")],
        ),
        (
            {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
            {"a": 1, "b": 1},
            [("", "unevaluatedProperties: a property is not allowed, or does not fit")],
        ),
    ],
)
def test_a_fault_names_its_place_its_keyword_and_what_was_expected(schema, payload, faults):
    assert check_contract(schema) == []
    assert check_payload(schema, payload) == [Fault(*fault) for fault in faults]


def test_no_fault_contains_the_value():
    """H12: a payload with a secret that does not fit."""
    schema = {
        "type": "array",
        "maxItems": 1,
        "uniqueItems": True,
        "contains": {"type": "null"},
        "unevaluatedItems": False,
        "items": {
            "type": "object",
            "properties": {
                "type": {"type": "integer"},
                "enum": {"enum": ["a"]},
                "const": {"const": "a"},
                "pattern": {"pattern": "^a$"},
                "maxLength": {"maxLength": 1},
                "anyOf": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
                "oneOf": {"oneOf": [{"type": "null"}, {"type": "integer"}]},
                "not": {"not": {"type": "string"}},
                "if": {"if": True, "then": {"type": "null"}},
                "false": False,
                "format": {"format": "date", "type": "null"},
            },
        },
    }
    assert check_contract(schema) == []
    payload = [dict.fromkeys(schema["items"]["properties"], CANARY)] * 2
    faults = check_payload(schema, payload, limit=100)
    named = {fault.path.rpartition("/")[2] for fault in faults}
    assert named >= set(schema["items"]["properties"])
    assert CANARY not in str(faults)


def test_there_are_at_most_twenty_faults_and_no_message_is_long():
    schema = {"items": {"enum": [f"{n:0500}" for n in range(400)]}}
    faults = check_payload(schema, [1] * 1000)
    assert [fault.path for fault in faults] == [f"/{n}" for n in range(20)]
    assert all(len(fault.message) <= 500 for fault in faults)
    assert len(check_payload(schema, [1] * 1000, limit=3)) == 3


@pytest.mark.parametrize("payload", [2**70, "\ud800", {"a": {1}}, float("nan"), b"x", object()])
def test_a_value_that_is_no_json_is_a_fault_and_raises_nothing(payload):
    assert check_payload({"not": {}}, [payload]) != []


def test_a_contract_that_was_never_accepted_checks_nothing_and_says_so():
    faults = check_payload({"$ref": "https://example.com/a.json"}, {})
    assert faults == [("", "The contract can't be used; nothing was checked.")]


def test_there_are_faults_exactly_when_the_payload_does_not_fit():
    """A walk of our own finds them; it must never disagree with the validator."""
    tried = refused = 0
    for seed in range(10_000, 10_300):
        rng = random.Random(seed)
        schema = hostile.random_schema(rng, rng.randint(1, 3), 1)
        if not isinstance(schema, dict):
            continue
        schema["$defs"] = {"d0": {"type": "object"}}
        if check_contract(schema):
            continue
        for _ in range(5):
            payload = hostile.random_payload(rng, rng.randint(0, 4), 30)
            faults = check_payload(schema, payload)
            fits = compiled(schema).is_valid(payload)
            assert fits is (faults == []), (schema, payload)
            assert all(_member(payload, fault.path) for fault in faults), (payload, faults)
            tried, refused = tried + 1, refused + (not fits)
    assert tried > 500
    assert refused > 100


def _member(payload: Any, path: str) -> bool:
    """Whether `path` points to something in the payload."""
    for token in path.split("/")[1:]:
        payload = payload[int(token) if isinstance(payload, list) else token]
    return True


def test_equal_schemas_are_compiled_once():
    assert compiled({"minimum": 7, "type": "integer"}) is compiled(
        {"type": "integer", "minimum": 7.0}
    )


def test_the_cache_is_bounded_by_entries_and_by_weight():
    cache: BoundedCache[int] = BoundedCache(entries=2, weight=10)
    cache.put("a", 1, weight=1)
    cache.put("b", 2, weight=1)
    assert cache.get("a") == 1
    cache.put("c", 3, weight=1)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    cache.put("d", 4, weight=9)
    assert [cache.get(key) for key in "acd"] == [None, 3, 4]
    cache.put("too heavy", 5, weight=11)
    assert cache.get("too heavy") is None
    assert cache.get("d") == 4


def test_the_cache_of_validators_is_shared_by_threads(monkeypatch):
    monkeypatch.setattr(payloads, "_compiled", BoundedCache(entries=3, weight=10**6))
    wrong = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(300):
            limit = rng.randrange(6)
            if check_payload({"maximum": limit}, limit) or not check_payload({"maximum": limit}, 9):
                wrong.append(limit)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(payloads._compiled) <= 3
