"""A look before you leap: what is foretold is what happens, and looking changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_registry.contracts import check_payload
from models_registry.models import Model
from subscriptions.models import EventSubscription, Revalidation
from subscriptions.services.foretelling import foretell
from subscriptions.services.revalidation import work_through
from tests.contract.operations import tables
from tests.subscriptions.conftest import define, link, update

pytestmark = pytest.mark.django_db

OPEN = {"type": "object", "properties": {"features": {"type": "array"}}}
PATH = "/v2/models/b/contract-check"


def _input(schema: Any) -> Any:
    return None if schema is None else {"inference": {"input_schema": schema}}


def _body(contracts: Any) -> dict[str, Any]:
    return {"handlers": define("b").handlers, "handler_contracts": contracts}


def _foretold(contracts: Any) -> Any:
    return foretell(model_id="b", definition=define("b", contracts))


def _comparison(report: Any, action: str = "inference", direction: str = "input") -> Any:
    (found,) = (
        each["comparison"]
        for each in report["interfaces"]
        if (each["action"], each["direction"]) == (action, direction)
    )
    return found


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
    assert answer.body["stale"] == {"target": 2, "source": 0}
    (payloads,) = answer.body["payloads"]
    assert (payloads["checked"], payloads["invalid"], payloads["complete"]) == (2, 1, True)
    (broken,) = payloads["examples"]
    assert broken["subscription_id"] == str(failing.pk) != str(fitting.pk)


def test_an_incompatible_change_comes_with_a_document_that_shows_it(pair):
    comparison = _comparison(_foretold(_input({**OPEN, "required": ["features"]})))

    assert comparison["verdict"] == "incompatible"
    witness = comparison["witness"]["value"]
    assert check_payload(OPEN, witness) == []
    assert check_payload({**OPEN, "required": ["features"]}, witness) != []


def test_a_wider_input_is_compatible_and_a_wider_output_is_not(make_model):
    narrow, wide = {"type": "integer"}, {"type": "number"}
    make_model("b", contracts={"inference": {"input_schema": narrow, "output_schema": narrow}})
    report = _foretold({"inference": {"input_schema": wide, "output_schema": wide}})

    assert _comparison(report)["verdict"] == "compatible"
    assert _comparison(report, direction="output")["verdict"] == "incompatible"


def test_a_new_optional_property_of_an_open_object_is_strictly_incompatible(pair):
    """The trap: a payload may carry that name already, with another type."""
    link("a", "b", input={"unit": 7})
    link("a", "b", input={"unit": "m"})
    link("a", "b", input={"features": []})
    properties = {**OPEN["properties"], "unit": {"type": "string"}}
    report = _foretold(_input({**OPEN, "properties": properties}))

    comparison = _comparison(report)
    assert (comparison["verdict"], comparison["lenient_verdict"]) == ("incompatible", "compatible")
    (payloads,) = report["payloads"]
    assert payloads["names"] == [{"name": "unit", "carried": 2, "broken": 1}]


def test_a_schema_that_accepts_nothing_is_a_warning(pair):
    report = _foretold(_input({"type": "string", "enum": [1]}))

    assert report["warnings"] == ["The inference input schema can never accept anything."]


def test_who_is_handed_an_output_would_be_stale_on_the_source_side(make_model):
    make_model("a")
    make_model("b")
    link("b", "a", input_source="trigger_output")
    link("b", "a", trigger_event="training_complete")
    report = _foretold({"inference": {"output_schema": OPEN}})

    assert report["stale"] == {"target": 0, "source": 1}


def test_what_is_stale_already_is_not_counted(pair):
    link("a", "b")
    update("b", _input({"required": ["x"]}))

    assert _foretold(_input({"required": ["y"]}))["stale"] == {"target": 0, "source": 0}


def test_more_payloads_than_are_checked_are_said_to_be_more(settings, pair):
    settings.CONTRACT_CHECK_PAYLOADS = 2
    for number in range(3):
        link("a", "b", input={"n": number})
    (payloads,) = _foretold(_input({"required": ["x"]}))["payloads"]

    assert (payloads["checked"], payloads["complete"]) == (2, False)


def test_it_refuses_what_the_update_would_refuse(api, pair):
    assert api.post(PATH, {"handlers": {}}).status == 400
    assert api.post(PATH, _body(_input({"type": "text"}))).status == 422
    assert api.post("/v2/models/nobody/contract-check", _body(None)).status == 404


SCHEMAS = st.sampled_from(
    [
        None,
        OPEN,
        {},
        {"required": ["a"]},
        {"required": ["b"]},
        {"properties": {"a": {"type": "string"}}},
        {"properties": {"a": {"maximum": 3}}, "additionalProperties": False},
        {"title": "the same as anything", "type": "object"},
    ]
)
PAYLOADS = st.lists(
    st.sampled_from([{}, {"a": 1}, {"a": 5}, {"a": "x"}, {"b": 1}, {"a": 1, "b": 2}]), max_size=4
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=SCHEMAS, planned=SCHEMAS, payloads=PAYLOADS)
def test_what_was_foretold_is_what_then_happens_and_looking_wrote_nothing(
    make_model, before, planned, payloads
):
    EventSubscription.objects.all().delete()
    Model.objects.all().delete()
    make_model("a")
    make_model("b", contracts=_input(before))
    for payload in payloads:
        link("a", "b", input=payload)
    rows = tables()
    report = _foretold(_input(planned))
    assert tables() == rows

    update("b", _input(planned))

    stale = [sub.effective_status for sub in EventSubscription.objects.with_status()]
    assert report["stale"] == {"target": stale.count("stale"), "source": 0}
    runs = list(Revalidation.objects.all())
    assert [each["action"] for each in report["payloads"]] == [run.action for run in runs]
    for run, payload_report in zip(runs, report["payloads"], strict=True):
        work_through(run.pk)
        run.refresh_from_db()
        assert (run.checked, run.invalid) == (payload_report["checked"], payload_report["invalid"])
