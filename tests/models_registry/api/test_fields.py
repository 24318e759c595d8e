"""Request bodies take what is meant and coerce nothing (H15, H30)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tests.config.urls_for_edge import OpenViewSet, OuterRequest

pytestmark = pytest.mark.urls("tests.config.urls_for_edge")

LEAST = {"name": "Price", "description": "", "metadata": {}}
UUID = "018f2f6e-7b1c-7cc3-8a5e-0123456789ab"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def post(**values: Any) -> Any:
    return Client().post("/v2/form", {**LEAST, **values}, content_type="application/json")


def errors(response: Any) -> dict[str, str]:
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid_request"
    return {error["path"]: error["message"] for error in body["errors"]}


def test_a_whole_body_is_taken_as_it_is() -> None:
    whole = {
        "id": "price-1.0",
        "name": "  Preis für 日本 👩\u200d🔬 ",
        "description": " two\r\nlines\tand a tab \u200f",
        "kind": "stored",
        "source": UUID,
        "metadata": {"a": [1, {"b": None}], "": ""},
        "label": None,
        "handler": {"arn": "x", "retry": False},
        "steps": [{"arn": "y"}],
    }
    response = post(**whole)
    assert response.status_code == 200
    assert response.json() == whole


def test_names_are_normalised_and_descriptions_are_not() -> None:
    response = post(name="Cafe\u0301", description="Cafe\u0301")
    assert response.json()["name"] == "Caf\u00e9"
    assert response.json()["description"] == "Cafe\u0301"


def test_unknown_fields_are_named_beside_every_other_fault() -> None:
    """H15: "status, version, id, created_at in PUT cannot be set"; API page: all faults at once."""
    response = Client().post(
        "/v2/form",
        {
            "name": 5,
            "status": "active",
            "is/staff": True,
            "metadata": [],
            "handler": {"arm": 1},
            "steps": [{"arn": "x"}, {"arn": "x", "extra": 1}, 7],
        },
        content_type="application/json",
    )
    assert errors(response) == {
        "/status": "There is no such field.",
        "/is~1staff": "There is no such field.",
        "/name": "Must be a string.",
        "/description": "This field is required.",
        "/metadata": "Must be an object.",
        "/handler/arm": "There is no such field.",
        "/handler/arn": "This field is required.",
        "/steps/1/extra": "There is no such field.",
        "/steps/2": "Must be an object.",
    }


def test_a_hundred_thousand_unknown_fields_are_not_all_named() -> None:
    told = errors(post(**{f"field{number}": 1 for number in range(100_000)}))
    assert len(told) == 101
    assert told[""] == "And more."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", value) for value in (5, 1.5, True, None, [], {}, ["a"])],
        *[("description", value) for value in (5, None, {})],
        *[("id", value) for value in (5, None, "", " a", "a b", "a/b", "é", "a\n", "x" * 129)],
        *[("metadata", value) for value in ("x", "{}", [], None, 1, True)],
        *[("kind", value) for value in ("other", "", "STORED", None, 1, True, [], {}, "stored ")],
        *[("source", value) for value in (1, None, UUID[:-1], UUID.replace("-", ""), f"{UUID}\n")],
        *[("handler", value) for value in ([], "x", None, 1)],
        *[("steps", value) for value in ({}, "x", None, 1)],
        *[("label", value) for value in ("", 1, False)],
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_400_and_never_turned_into_the_right_one(
    field: str, value: Any
) -> None:
    assert set(errors(post(**{field: value}))) == {f"/{field}"}


@pytest.mark.parametrize("value", ["true", 1, 0, "on", None, "", []])
def test_a_boolean_is_true_or_false(value: Any) -> None:
    assert set(errors(post(handler={"arn": "x", "retry": value}))) == {"/handler/retry"}


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u3000", "a\nb", "a\r", "a\tb", "a\x1b[31m", "a\x7f", "a\x85", "a\u2028b",
     "x\u202egpj.exe", "a\u2066b", "x" * 201],
)  # fmt: skip
def test_names_that_could_pass_for_others_are_refused(name: str) -> None:
    """H30: "control characters refused, length <= 200 ... name with U+202E refused"."""
    assert set(errors(post(name=name))) == {"/name"}


@pytest.mark.parametrize("description", ["a\x1bb", "a\x08b", "a\u202eb", "x" * 10_001])
def test_descriptions_without_escape_sequences_only(description: str) -> None:
    assert set(errors(post(description=description))) == {"/description"}


def test_the_longest_name_and_description_are_taken() -> None:
    assert post(name="é" * 200, description="x" * 10_000).status_code == 200


def test_free_objects_nest_64_levels() -> None:
    """H2: "depth 64 ok, 65 -> 400"."""
    assert post(metadata=nested(64)).status_code == 200
    assert errors(post(metadata=nested(65))) == {
        "/metadata": "Must not nest deeper than 64 levels."
    }


def test_errors_do_not_repeat_what_was_sent() -> None:
    """H12: "answers may name path + keyword, not values"."""
    response = post(id="CANARY!", name="CANARY\n", kind="CANARY", source="CANARY", label=[])
    assert len(errors(response)) == 5
    assert b"CANARY" not in response.content


def test_the_openapi_document_says_what_is_taken() -> None:
    class DocumentedViewSet(OpenViewSet):
        @extend_schema(request=OuterRequest, responses=None, operation_id="take")
        def take(self, request: Request) -> Response:
            return Response(request.data)

    from django.urls import path

    patterns = [path("v2/form", DocumentedViewSet.as_view({"post": "take"}))]
    schemas = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)[
        "components"
    ]["schemas"]
    outer = schemas["OuterRequest"]
    assert outer["additionalProperties"] is False
    assert schemas["InnerRequest"]["additionalProperties"] is False
    assert outer["required"] == ["description", "metadata", "name"]
    properties = outer["properties"]
    assert properties["id"] == {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"}
    assert properties["metadata"] == {"type": "object", "additionalProperties": True}
    assert properties["source"] == {"type": "string", "format": "uuid"}
    assert properties["name"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$",
    }
    assert properties["label"]["type"] == ["string", "null"]
