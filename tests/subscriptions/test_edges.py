"""Edge checks: whether every output of a source fits the input schema of its target."""

from __future__ import annotations

from typing import Any

import pytest

from models_registry.contracts import check_payload
from subscriptions.models import EventSubscription
from subscriptions.services import edges
from tests.subscriptions.conftest import link, update

pytestmark = pytest.mark.django_db

PATH = "/v2/models/a/event-subscriptions"
MODEL_PATH = {"type": "object", "properties": {"model_path": {"type": "string"}}}
FEATURES = {"type": "object", "properties": {"features": {"type": "array"}}}
SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}
WHOLE_SCORE = {
    "type": "object",
    "properties": {"score": {"type": "integer"}},
    "required": ["score"],
}
NO_FIELD = (
    "edge: the source's inference output and the target's inference input have no field in common."
)


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch):
    """No verdict of another test."""
    monkeypatch.setattr(edges, "_kept", type(edges._kept)(entries=16, weight=1_000_000))


def _sends(schema: Any) -> dict[str, Any]:
    return {"inference": {"output_schema": schema}}


def _takes(schema: Any) -> dict[str, Any]:
    return {"inference": {"input_schema": schema}}


@pytest.fixture
def handing_on(make_model):
    """Return a subscription of `b` on the output of `a`, made with these two schemas."""

    def make(output: Any, taken: Any) -> str:
        make_model("a", contracts=output and _sends(output))
        make_model("b", contracts=taken and _takes(taken))
        return str(link("a", "b", input_source="trigger_output").pk)

    return make


def _create(api: Any) -> Any:
    body = {
        "trigger_event": "inference_complete",
        "target_model_id": "b",
        "target_action": "inference",
        "input_source": "trigger_output",
    }
    answer = api.post(PATH, body)
    assert answer.status == 201
    return answer.body


def test_the_contracts_own_example_pair_fits_and_means_nothing(api, make_model):
    """Nothing is required, so {model_path} validates as {features}: a warning, no refusal."""
    make_model("a", contracts={"training": {"output_schema": MODEL_PATH}})
    make_model("b", contracts=_takes(FEATURES))
    body = {
        "trigger_event": "training_complete",
        "target_model_id": "b",
        "target_action": "inference",
        "input_source": "trigger_output",
    }
    warning = NO_FIELD.replace("inference output", "training output")
    made = api.post(PATH, body)

    assert made.status == 201
    assert made.body["warnings"] == [warning]
    assert api.get(f"{PATH}/{made.body['id']}").body["warnings"] == [warning]
    (listed,) = api.get(PATH).body
    assert listed["warnings"] == [warning]


def test_a_pair_that_does_not_fit_is_a_warning_with_a_document_that_shows_it(api, make_model):
    make_model("a", contracts=_sends(SCORE))
    make_model("b", contracts=_takes(WHOLE_SCORE))
    made = _create(api)

    edge = made["edge"]
    assert (edge["verdict"], edge["lenient_verdict"]) == ("incompatible", "incompatible")
    assert check_payload(SCORE, edge["witness"]["value"]) == []
    assert check_payload(WHOLE_SCORE, edge["witness"]["value"]) != []
    (warning,) = made["warnings"]
    assert warning.startswith(
        "edge: the source's inference output need not fit the target's inference input: {"
    )


def test_a_pair_that_fits_is_proved_to_and_has_no_warning(api, make_model):
    make_model("a", contracts=_sends(SCORE))
    make_model("b", contracts=_takes({"required": ["score"]}))
    made = _create(api)

    assert made["edge"]["verdict"] == "compatible"
    assert "warnings" not in made


def test_what_only_an_unlisted_name_could_break_is_reported_without_a_warning(api, handing_on):
    output = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    taken = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    path = f"{PATH}/{handing_on(output, taken)}"
    shown = api.get(path).body

    assert shown["edge"]["verdict"] == "incompatible"
    assert shown["edge"]["lenient_verdict"] == "compatible"
    assert "warnings" not in shown


def test_a_strict_counterexample_without_a_lenient_proof_is_a_warning(handing_on):
    handing_on(SCORE, WHOLE_SCORE)
    witness: Any = {"value": {"score": 0.5}}
    (warning,) = edges.edge_warnings(
        EventSubscription.objects.get(),
        {
            "verdict": "incompatible",
            "lenient_verdict": "unknown",
            "witness": witness,
            "shares_no_field": False,
        },
    )

    assert '{"score":0.5} does not' in warning


@pytest.mark.parametrize(
    ("model", "contracts"), [("a", _sends(MODEL_PATH)), ("b", _takes({"required": ["no"]}))]
)
def test_a_change_of_either_model_gives_a_new_verdict(api, handing_on, model, contracts):
    path = f"{PATH}/{handing_on(SCORE, {'required': ['score']})}"
    before = api.get(path)
    assert before.body["edge"]["verdict"] == "compatible"
    update(model, contracts)
    after = api.get(path)

    assert after.body["edge"]["verdict"] == "incompatible"
    assert after.headers["ETag"] != before.headers["ETag"]


@pytest.mark.parametrize(("output", "taken"), [(None, FEATURES), (SCORE, None)])
def test_without_a_schema_on_both_sides_there_is_no_verdict(api, handing_on, output, taken):
    assert "edge" not in api.get(f"{PATH}/{handing_on(output, taken)}").body


def test_a_stored_payload_has_no_edge(api, make_model):
    make_model("a", contracts=_sends(MODEL_PATH))
    make_model("b", contracts=_takes(FEATURES))
    shown = api.get(f"{PATH}/{link('a', 'b').pk}").body

    assert "edge" not in shown
    assert "warnings" not in shown


def test_each_pair_of_contracts_is_compared_once(api, handing_on, monkeypatch):
    asked: list[Any] = []
    compare = edges.edge

    def ask(*pair: Any, **known: Any) -> Any:
        asked.append(pair)
        return compare(*pair, **known)

    monkeypatch.setattr(edges, "edge", ask)
    handing_on(SCORE, WHOLE_SCORE)
    for _ in range(2):
        api.get(PATH)
    update("a", _sends({**SCORE, "title": "the same to everybody"}))
    api.get(PATH)

    assert len(asked) == 1


def test_a_list_does_not_wait_for_more_verdicts_than_its_time_allows(api, handing_on):
    subscription_id = handing_on(MODEL_PATH, FEATURES)
    found = edges.edges_of(EventSubscription.objects.select_related("source", "target"), seconds=0)

    (edge,) = found.values()
    assert (edge["verdict"], edge["shares_no_field"]) == ("unknown", False)
    assert api.get(f"{PATH}/{subscription_id}").body["edge"]["shares_no_field"] is True


@pytest.mark.parametrize("output", [{"type": "string"}, {"type": ["array", "null"]}])
def test_an_output_that_allows_no_object_hands_on_nothing_that_could_misfit(
    api, handing_on, output
):
    """As where contracts are compared: every output is an object."""
    shown = api.get(f"{PATH}/{handing_on(output, FEATURES)}").body

    assert shown["edge"]["verdict"] == "compatible"
