"""create, list, read, update and delete of event subscriptions, rule by rule of the API page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from subscriptions import models as subscription_models
from subscriptions.models import EventSubscription, TriggerEvent
from subscriptions.services.loops import LoopClosed
from subscriptions.services.subscribing import update_subscription
from tests.at_once import at_once
from tests.subscriptions.conftest import NUMBERS, link, update

pytestmark = pytest.mark.django_db

EXAMPLE = {
    "trigger_event": "training_complete",
    "target_model_id": "model_infer_v1",
    "target_action": "inference",
    "input_source": "stored",
    "input": {"route": "Adelaide to Sydney"},
    "label": "replay after retrain",
}
PATH = "/v2/models/model_price_reco_v1/event-subscriptions"


@pytest.fixture
def two_models(make_model) -> None:
    make_model("model_price_reco_v1")
    make_model("model_infer_v1")


def test_the_contracts_example_makes_an_active_subscription(api, two_models):
    answer = api.post(PATH, EXAMPLE)

    assert answer.status == 201
    body = dict(answer.body)
    assert answer.headers["Location"].endswith(f"{PATH}/{body.pop('id')}")
    assert body.pop("created_at") == body.pop("updated_at")
    assert body == {**EXAMPLE, "source_model_id": "model_price_reco_v1", "status": "active"}


def test_a_stored_payload_that_does_not_fit_warns_and_blocks_nothing(api, make_model):
    make_model("model_price_reco_v1")
    make_model("model_infer_v1", contracts={"inference": {"input_schema": NUMBERS}})
    answer = api.post(PATH, {**EXAMPLE, "input": {"features": "many"}})

    assert answer.status == 201
    (warning,) = answer.body["warnings"]
    assert warning.startswith("input/features: ")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"input": None}, "/input"),
        ({"input_source": "trigger_output"}, "/input"),
        ({"trigger_event": "deleted"}, "/trigger_event"),
        ({"target_action": "complete"}, "/target_action"),
        ({"target_model_id": "a/b"}, "/target_model_id"),
        ({"status": "paused"}, "/status"),
    ],
)
def test_a_malformed_subscription_is_400(api, two_models, change, path):
    answer = api.post(PATH, {**EXAMPLE, **change})

    assert answer.status == 400
    assert [error["path"] for error in answer.body["errors"]] == [path]
    assert not EventSubscription.objects.exists()


def test_stored_needs_an_input(api, two_models):
    body = {key: value for key, value in EXAMPLE.items() if key != "input"}

    assert api.post(PATH, body).body["errors"][0]["path"] == "/input"


def test_what_is_wrong_together_is_said_with_what_is_wrong_alone(api, two_models):
    """ "All faults at once, never only the first." """
    body = {key: value for key, value in EXAMPLE.items() if key != "input"} | {"label": 5}

    errors = api.post(PATH, body).body["errors"]
    assert {error["path"] for error in errors} == {"/input", "/label"}


def test_an_unknown_target_is_422_and_an_unknown_source_404(api, two_models):
    assert api.post(PATH, {**EXAMPLE, "target_model_id": "nobody"}).status == 422
    assert api.post("/v2/models/nobody/event-subscriptions", EXAMPLE).status == 404


def test_the_list_filters_by_effective_status_event_and_target(api, two_models):
    first = api.post(PATH, EXAMPLE).body
    second = api.post(PATH, {**EXAMPLE, "trigger_event": "inference_complete"}).body
    api.put(f"{PATH}/{second['id']}", {"status": "paused"})

    assert [sub["id"] for sub in api.get(PATH).body] == [first["id"], second["id"]]
    assert [sub["id"] for sub in api.get(f"{PATH}?status=paused").body] == [second["id"]]
    by_event = api.get(f"{PATH}?trigger_event=training_complete").body
    assert [sub["id"] for sub in by_event] == [first["id"]]
    assert len(api.get(f"{PATH}?target_model_id=model_infer_v1").body) == 2
    assert api.get(f"{PATH}?target_model_id=other").body == []
    update("model_infer_v1", {"inference": {"input_schema": NUMBERS}})
    assert api.get(f"{PATH}?status=active").body == []
    assert len(api.get(f"{PATH}?status=stale").body) == 2


def test_the_targets_side_lists_the_same(api, two_models):
    made = api.post(PATH, EXAMPLE).body

    assert api.get("/v2/models/model_infer_v1/incoming-subscriptions").body == [made]


def test_deleting_ends_it(api, two_models):
    path = f"{PATH}/{api.post(PATH, EXAMPLE).body['id']}"

    assert api.delete(path).status == 204
    assert api.get(path).status == 404


def test_a_subscription_is_not_reached_through_another_model(api, two_models):
    """H18."""
    made = api.post(PATH, EXAMPLE).body

    assert api.get(f"/v2/models/model_infer_v1/event-subscriptions/{made['id']}").status == 404


def test_its_etag_guards_an_update(api, two_models):
    path = f"{PATH}/{api.post(PATH, EXAMPLE).body['id']}"
    etag = api.get(path).headers["ETag"]
    assert api.get(path, headers={"If-None-Match": etag}).status == 304
    assert api.put(path, {"label": "new"}, headers={"If-Match": etag}).status == 200

    assert api.put(path, {"label": "newer"}, headers={"If-Match": etag}).status == 412


def test_a_label_can_be_taken_away(api, two_models):
    path = f"{PATH}/{api.post(PATH, EXAMPLE).body['id']}"

    assert api.put(path, {"label": None}).body["label"] is None


def test_a_subscription_that_hands_on_stores_no_input(api, two_models):
    body = {key: value for key, value in EXAMPLE.items() if key != "input"}
    made = api.post(PATH, {**body, "input_source": "trigger_output"}).body

    assert "input" not in made
    answer = api.put(f"{PATH}/{made['id']}", {"input": {}})
    assert (answer.status, answer.body["code"]) == (422, "input_not_stored")


def test_a_targeted_model_can_not_be_deleted_but_one_that_targets_itself_can(api, two_models):
    api.post(PATH, EXAMPLE)
    assert api.delete("/v2/models/model_infer_v1").status == 409

    api.post(PATH, {**EXAMPLE, "target_model_id": "model_price_reco_v1"})
    assert api.delete("/v2/models/model_price_reco_v1").status == 204
    assert api.delete("/v2/models/model_infer_v1").status == 204


def test_subscribe_on_inference_stores_each_distinct_input_once(api, two_models):
    path = "/v2/models/model_price_reco_v1/versions/1/inference"
    for features in ([1], [1.0], [2]):
        body = {"input": {"features": features}, "subscribe": True}
        assert api.post(path, body).status == 202

    stored = [(sub["input"], sub["target_model_id"]) for sub in api.get(PATH).body]
    assert stored == [
        ({"features": [1]}, "model_price_reco_v1"),
        ({"features": [2]}, "model_price_reco_v1"),
    ]
    assert {(sub["trigger_event"], sub["target_action"]) for sub in api.get(PATH).body} == {
        ("training_complete", "inference")
    }


def test_a_loop_is_422_and_named_in_order(api, make_model):
    for model_id in ("a", "b", "c"):
        make_model(model_id)
    link("a", "b")
    link("b", "c")
    answer = api.post(
        "/v2/models/c/event-subscriptions",
        {
            "trigger_event": "inference_complete",
            "target_model_id": "a",
            "target_action": "inference",
            "input_source": "trigger_output",
        },
    )

    assert (answer.status, answer.body["code"]) == (422, "loop_closed")
    assert (
        "c (inference) -> a (inference) -> b (inference) -> c (inference)" in answer.body["message"]
    )


def test_a_loop_is_refused_however_long_it_is(make_model):
    """Also where no chain would ever get round it: 32 jobs are the most."""
    count = 40
    for number in range(count):
        make_model(f"m{number}")
    for number in range(count - 1):
        link(f"m{number}", f"m{number + 1}")

    with pytest.raises(LoopClosed) as refused:
        link(f"m{count - 1}", "m0")
    names = [f"m{number}" for number in range(count)]
    assert [model for model, _ in refused.value.loop] == [names[-1], *names]


def test_a_model_that_triggers_itself_is_a_loop_only_for_the_same_action(make_model):
    make_model("a")
    link("a", "a", trigger_event="training_complete")
    with pytest.raises(LoopClosed):
        link("a", "a")
    with pytest.raises(LoopClosed):
        link("a", "a", target_action="training")


def test_resuming_looks_for_loops_again(make_model):
    make_model("a")
    make_model("b")
    paused = link("a", "b")
    update_subscription(source_id="a", subscription_id=paused.pk, changes={"status": "paused"})
    link("b", "a")

    with pytest.raises(LoopClosed):
        update_subscription(source_id="a", subscription_id=paused.pk, changes={"status": "active"})
    assert EventSubscription.objects.get(pk=paused.pk).state == "paused"


@pytest.mark.django_db(transaction=True)
def test_two_creations_that_close_a_loop_together_do_not_both_succeed(make_model):
    make_model("a")
    make_model("b")

    assert _made(lambda: link("a", "b"), lambda: link("b", "a")) == 1


@pytest.mark.django_db(transaction=True)
def test_of_three_creations_that_close_a_loop_together_two_succeed(make_model):
    for model_id in "abc":
        make_model(model_id)
    pairs = ("ab", "bc", "ca")

    assert _made(*[lambda pair=pair: link(*pair) for pair in pairs]) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["paused", "stale"])
def test_a_creation_and_a_resumption_that_close_a_loop_together_do_not_both_succeed(
    make_model, status
):
    make_model("a")
    make_model("b")
    stopped = link("a", "b")
    update_subscription(source_id="a", subscription_id=stopped.pk, changes={"status": status})

    def resume() -> EventSubscription:
        changes = {"status": "active"}
        return update_subscription(source_id="a", subscription_id=stopped.pk, changes=changes)

    assert _made(resume, lambda: link("b", "a")) == 1
    assert EventSubscription.objects.filter(state="active").count() == 1


def _made(*creations: Callable[[], EventSubscription]) -> int:
    """Run them at once; return how many succeeded. The others were refused for a loop."""
    outcomes = at_once(*creations)
    assert all(isinstance(one, EventSubscription | LoopClosed) for one in outcomes), outcomes
    return sum(isinstance(one, EventSubscription) for one in outcomes)


def test_an_input_that_is_replayed_is_stored_once_whatever_became_of_it(api, active_model):
    """ "Once per distinct input", which one that is changed leaves and another one becomes."""
    asking = f"/v2/models/{active_model.pk}/versions/1/inference"
    listed = f"/v2/models/{active_model.pk}/event-subscriptions"

    def infer(**input: int) -> None:
        assert api.post(asking, {"input": input, "subscribe": True}).status == 202

    def stored() -> list[dict[str, int]]:
        return [subscription["input"] for subscription in api.get(listed).body]

    infer(a=1)
    (first,) = api.get(listed).body
    api.put(f"{listed}/{first['id']}", {"input": {"b": 2}})
    infer(b=2)
    assert stored() == [{"b": 2}]
    infer(a=1)
    assert stored() == [{"b": 2}, {"a": 1}]
    api.put(f"{listed}/{first['id']}", {"input": {"a": 1}})  # two of them are the caller's wish
    infer(a=1)
    assert stored() == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize("event", TriggerEvent)
def test_every_trigger_event_is_the_end_of_its_own_action(event):
    assert f"{event.action}_complete" == event


def test_a_trigger_event_without_an_action_is_an_error_and_no_inference(monkeypatch):
    monkeypatch.setattr(subscription_models, "_ACTIONS", {})
    with pytest.raises(KeyError):
        assert TriggerEvent.INFERENCE_COMPLETE.action
