"""Contracts that are none, or worse: refused when they are written (H8 to H11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.operations import MODEL, tables
from tests.examples import UPDATE_MODEL

PATH = f"/v2/models/{MODEL}"
AT = "/handler_contracts/inference/input_schema"


def _put(api: Any, schema: Any) -> Any:
    contracts = {"inference": {"input_schema": schema}}
    return api.put(PATH, {**UPDATE_MODEL, "handler_contracts": contracts})


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize("schema", [True, False, [], ["a"], "{}", 1, None])
def test_a_document_that_is_not_an_object_is_400(api, active_model, schema):
    before = tables()
    answer = _put(api, schema)

    assert (answer.status, answer.body["errors"][0]["path"]) == (400, AT)
    assert tables() == before


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "text"}, "/type"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum"),
        ({"required": "a"}, "/required"),
        ({"$ref": "#"}, ""),
        ({"allOf": [{"$ref": "#"}]}, ""),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "/$defs/a"),
        ({"$ref": "#/$defs/gone"}, "/$ref"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "/$ref"),
        ({"$ref": "file:///etc/passwd"}, "/$ref"),
        ({"items": {"$dynamicRef": "other.json#a"}}, "/items/$dynamicRef"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"properties": {"a": {"pattern": "("}}}, "/properties/a/pattern"),
        ({"pattern": "(?!a)b"}, "/pattern"),
        ({"pattern": "(a)\\1"}, "/pattern"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "/pattern"),
        ({"patternProperties": {"[": {}}}, "/patternProperties/["),
        (_deep(70), None),
    ],
)
def test_an_object_that_is_no_usable_schema_is_422_with_the_pointer(
    api, active_model, schema, path
):
    before = tables()
    answer = _put(api, schema)

    assert (answer.status, answer.body["code"]) == (422, "definition_refused")
    pointers = [error["path"] for error in answer.body["errors"]]
    assert all(pointer.startswith(AT) for pointer in pointers)
    if path is not None:
        assert AT + path in pointers
    assert tables() == before


def test_a_schema_over_256_kib_is_422(api, active_model):
    answer = _put(api, {"$comment": "x" * 256 * 1024})

    assert (answer.status, answer.body["errors"][0]["path"]) == (422, AT)


def test_a_schema_of_5_mib_is_refused(api, active_model):
    assert _put(api, {"enum": ["x" * 1024] * 5 * 1024}).status == 422


def test_a_schema_of_10_000_levels_is_refused(api, active_model):
    raw = b'{"not": ' * 10_000 + b"{}" + b"}" * 10_000
    body = b'{"handler_contracts": {"inference": {"input_schema": ' + raw + b"}}}"

    assert api.put(PATH, body).status == 400


def test_the_faults_of_all_four_schemas_are_said_at_once(api, active_model):
    wrong = {"input_schema": {"type": 1}, "output_schema": {"type": 2}}
    contracts = {"training": wrong, "inference": wrong}
    answer = api.put(PATH, {**UPDATE_MODEL, "handler_contracts": contracts})

    assert {error["path"] for error in answer.body["errors"]} == {
        f"/handler_contracts/{action}/{direction}_schema/type"
        for action in ("training", "inference")
        for direction in ("input", "output")
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {
            "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}},
            "$ref": "#/$defs/node",
        },
        {"format": "date-time", "x-unknown": {"$ref": "http://127.0.0.1:9/"}},
    ],
)
def test_what_is_harmless_is_taken(api, active_model, schema):
    assert _put(api, schema).status == 200


def test_a_refused_input_is_not_repeated_in_the_answer(api, active_model, caplog):
    """H12: the pointer and the keyword, never the value."""
    _put(api, {"properties": {"password": {"type": "integer"}}})
    api.post(f"{PATH}/versions/2/new_status", {"status": "active"})
    answer = api.post(f"{PATH}/versions/2/inference", {"input": {"password": "CANARY"}})

    assert (answer.status, answer.body["errors"][0]["path"]) == (422, "/input/password")
    assert b"CANARY" not in answer.content
    assert "CANARY" not in caplog.text
