"""The contract check: the impact of a planned update on subscribers."""

from __future__ import annotations

from typing import Any

import pytest

from models_registry.contracts import check_payload
from subscriptions.impact.preview import check_update
from tests.subscriptions.conftest import define, link, update

pytestmark = pytest.mark.django_db

OPEN = {"type": "object", "properties": {"features": {"type": "array"}}}
PATH = "/v2/models/b/contract-check"
NEVER = (
    "The inference input schema can never accept anything: every input is an object, and it takes"
    " none."
)


def _input(schema: Any) -> Any:
    return None if schema is None else {"inference": {"input_schema": schema}}


def _body(contracts: Any) -> dict[str, Any]:
    return {"handlers": define("b").handlers, "handler_contracts": contracts}


def _preview(contracts: Any) -> Any:
    return check_update(model_id="b", definition=define("b", contracts))


def _comparison(report: Any, action: str = "inference", direction: str = "input") -> Any:
    (found,) = (
        each["comparison"]
        for each in report["interfaces"]
        if (each["action"], each["direction"]) == (action, direction)
    )
    return found


def _stale(**counts: int) -> dict[str, int]:
    return {"target": 0, "source": 0, "total": 0, "active": 0, "ended": 0, **counts}


@pytest.fixture
def pair(make_model) -> None:
    make_model("a")
    make_model("b", contracts=_input(OPEN))


def test_it_says_what_changes_and_for_whom(api, pair):
    fitting, failing = link("a", "b", input={"features": [1]}), link("a", "b", input={})
    planned = {**OPEN, "required": ["features"]}
    answer = api.post(PATH, _body(_input(planned)))

    assert answer.status == 200
    assert [each["changes"] for each in answer.body["interfaces"]] == [False, False, True, False]
    assert answer.body["stale"] == _stale(target=2, total=2, active=2)
    (payloads,) = answer.body["payloads"]
    assert (payloads["checked"], payloads["invalid"], payloads["complete"]) == (2, 1, True)
    (broken,) = payloads["examples"]
    assert broken["subscription_id"] == str(failing.pk) != str(fitting.pk)


def test_an_incompatible_change_comes_with_a_counterexample(pair):
    comparison = _comparison(_preview(_input({**OPEN, "required": ["features"]})))

    assert comparison["verdict"] == "incompatible"
    witness = comparison["witness"]["value"]
    assert check_payload(OPEN, witness) == []
    assert check_payload({**OPEN, "required": ["features"]}, witness) != []


def test_a_wider_input_is_compatible_and_a_wider_output_is_not(make_model):
    narrow, wide = ({"properties": {"a": {"type": name}}} for name in ("integer", "number"))
    make_model("b", contracts={"inference": {"input_schema": narrow, "output_schema": narrow}})
    report = _preview({"inference": {"input_schema": wide, "output_schema": wide}})

    assert _comparison(report)["verdict"] == "compatible"
    assert _comparison(report, direction="output")["verdict"] == "incompatible"


def test_a_new_optional_property_of_an_open_object_is_strictly_incompatible(pair):
    """The trap: a payload may carry that name already, with another type."""
    link("a", "b", input={"unit": 7})
    link("a", "b", input={"unit": "m"})
    link("a", "b", input={"features": []})
    properties = {**OPEN["properties"], "unit": {"type": "string"}}
    report = _preview(_input({**OPEN, "properties": properties}))

    comparison = _comparison(report)
    assert (comparison["verdict"], comparison["lenient_verdict"]) == ("incompatible", "compatible")
    (payloads,) = report["payloads"]
    assert payloads["names"] == [
        {
            "name": "unit",
            "pointer": "/properties/unit",
            "carried": 2,
            "broken": 1,
            "message": 'The property "unit" is new. Its object is open, so a payload may carry the'
            " name already, with any value: strictly, that is incompatible. With names that are"
            " not listed left out, this is compatible. 2 of the payloads checked carry it,"
            " 1 of them with a value that does not fit.",
        }
    ]


def test_a_schema_that_accepts_nothing_is_a_warning(pair):
    report = _preview(_input({"type": "string", "enum": [1]}))

    assert report["warnings"] == [NEVER]


@pytest.mark.parametrize("schema", [{"type": "array"}, {"type": ["string", "null"]}])
def test_a_schema_that_takes_no_object_is_one_that_accepts_nothing(pair, schema):
    assert _preview(_input(schema))["warnings"] == [NEVER]


@pytest.mark.parametrize("planned", [{"type": "object"}, {"type": ["object", "array"]}])
def test_that_only_objects_are_taken_is_no_change_for_anybody(make_model, planned):
    """Every input and output is an object: no text or list was ever accepted."""
    make_model("b")
    comparison = _comparison(_preview(_input(planned)))

    assert (comparison["verdict"], comparison["lenient_verdict"]) == ("compatible", "compatible")


def test_the_document_that_shows_it_is_one_that_could_have_been_sent(make_model):
    make_model("b")
    comparison = _comparison(_preview(_input(OPEN)))

    assert comparison["verdict"] == "incompatible"
    assert isinstance(comparison["witness"]["value"], dict)


def test_each_added_property_has_its_own_lenient_verdict_beside_other_changes(pair):
    """Whatever else the update does."""
    properties = {"features": {"type": "array", "maxItems": 1}, "unit": {"type": "string"}}
    report = _preview(_input({**OPEN, "properties": properties}))

    assert _comparison(report)["lenient_verdict"] == "incompatible"
    (name,) = report["payloads"][0]["names"]
    assert "With names that are not listed left out, this is compatible." in name["message"]


def test_a_broken_added_property_is_counted_behind_more_faults_than_are_sought(pair):
    link("a", "b", input={"features": ["x"] * 30, "unit": 7})
    properties = {
        "features": {"type": "array", "items": {"type": "number"}},
        "unit": {"type": "string"},
    }
    (payloads,) = _preview(_input({**OPEN, "properties": properties}))["payloads"]

    (name,) = payloads["names"]
    assert (name["carried"], name["broken"]) == (1, 1)


def test_who_is_handed_an_output_would_be_stale_on_the_source_side(make_model):
    make_model("a")
    make_model("b")
    link("b", "a", input_source="trigger_output")
    link("b", "a", trigger_event="training_complete")
    report = _preview({"inference": {"output_schema": OPEN}})

    assert report["stale"] == _stale(source=1, total=1, active=1)


def test_what_is_stale_already_is_not_counted(pair):
    link("a", "b")
    update("b", _input({"required": ["x"]}))

    assert _preview(_input({"required": ["y"]}))["stale"] == _stale()


def test_a_check_of_only_some_payloads_is_not_complete(settings, pair):
    settings.CONTRACT_CHECK_PAYLOADS = 2
    for number in range(3):
        link("a", "b", input={"n": number})
    (payloads,) = _preview(_input({"required": ["x"]}))["payloads"]

    assert (payloads["checked"], payloads["complete"]) == (2, False)


def test_it_refuses_what_the_update_would_refuse(api, pair):
    assert api.post(PATH, {"handlers": {}}).status == 400
    assert api.post(PATH, _body(_input({"type": "text"}))).status == 422
    assert api.post("/v2/models/nobody/contract-check", _body(None)).status == 404
