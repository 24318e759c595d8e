"""Checking many payloads against one contract: the same verdicts as one by one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.contracts import PayloadCheck, check_payload, payloads

SCHEMAS: list[dict[str, Any]] = [
    {},
    {"required": ["a"], "properties": {"a": {"type": "integer"}}, "maxProperties": 1},
    {"properties": {"a": {"items": {"enum": [1, "x"]}}}, "additionalProperties": False},
    {"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"required": ["c"]}},
    {"$defs": {"n": {"minimum": 0}}, "properties": {"a": {"$ref": "#/$defs/n"}, "b": False}},
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "é" * 9]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
PAYLOADS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=6)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(SCHEMAS), PAYLOADS)
def test_it_finds_what_a_check_of_each_by_itself_finds(schema, payloads):
    check = PayloadCheck(schema)
    for payload in payloads:
        assert check.faults(orjson.dumps(payload).decode()) == check_payload(schema, payload)


def test_what_one_payload_left_behind_says_nothing_of_the_next():
    check = PayloadCheck({"required": ["a"]})

    assert [len(check.faults(text)) for text in ("{}", '{"a":1}', "{}", "{}")] == [1, 0, 1, 1]


def test_a_schema_that_was_never_accepted_checks_nothing_and_says_so():
    refused = {"$ref": "https://example.com/elsewhere"}

    assert PayloadCheck(refused).faults("{}") == check_payload(refused, {}) != []


def test_a_payload_that_is_too_much_to_check_is_not_begun():
    costly = {"items": {"anyOf": [{"pattern": f"(a|b)*c{number}"} for number in range(60)]}}
    payload = ["ab" * 50_000] * 20
    (fault,) = PayloadCheck(costly).faults(orjson.dumps(payload).decode())

    assert fault.message == "The payload is too large to be checked against this contract."


def test_faults_are_limited():
    check = PayloadCheck({"items": {"type": "string"}}, limit=3)

    assert len(check.faults("[1, 2, 3, 4, 5]")) == 3


@pytest.mark.parametrize("kept_bytes", [0, 1])
def test_what_is_kept_for_the_parts_of_a_large_contract_is_bounded(monkeypatch, kept_bytes):
    monkeypatch.setattr(payloads, "SEARCH_BYTES", kept_bytes)
    schema = {"properties": {name: {"type": "string"} for name in "abcdefgh"}}
    check = PayloadCheck(schema)
    for name in "abcdefgh":
        assert check.faults(f'{{"{name}": 1}}') == check_payload(schema, {name: 1})

    assert check._search.parts_kept < 8
