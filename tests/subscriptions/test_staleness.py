"""Staleness: derived from the interfaces, and never written."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_registry.models import Model
from subscriptions.api.representations import subscription_object
from subscriptions.models import EventSubscription
from subscriptions.services.accepting import accept_incoming
from subscriptions.services.lookups import get_subscription
from subscriptions.services.subscribing import update_subscription
from tests.subscriptions.conftest import link, update

pytestmark = pytest.mark.django_db

NARROW = {"inference": {"input_schema": {"required": ["x"]}}}


@pytest.fixture
def pair(make_model) -> EventSubscription:
    make_model("a")
    make_model("b")
    return link("a", "b", input={})


def _shown(subscription: EventSubscription) -> dict[str, Any]:
    found = get_subscription(subscription.source_id, subscription.pk)
    return dict(subscription_object(found))


def _put(subscription: EventSubscription, **changes: Any) -> dict[str, Any]:
    changed = update_subscription(
        source_id=subscription.source_id, subscription_id=subscription.pk, changes=changes
    )
    return dict(subscription_object(changed))


def test_a_changed_input_of_the_target_makes_it_stale_and_says_why_and_since_when(pair):
    update("b", NARROW)
    update("b", {"inference": {"input_schema": {"required": ["y"]}}})

    shown = _shown(pair)
    assert shown["status"] == "stale"
    (reason,) = shown["stale_because"]
    assert reason.pop("since").endswith("Z")
    assert reason == {
        "side": "target",
        "action": "inference",
        "direction": "input",
        "version": "2",
    }


def test_a_changed_training_contract_leaves_inference_alone(pair):
    update("b", {"training": {"input_schema": {"required": ["x"]}}})

    assert _shown(pair)["status"] == "active"


def test_an_output_matters_only_to_who_is_handed_it(make_model):
    make_model("a")
    make_model("b")
    stored = link("a", "b", input={})
    handed = link("a", "b", input_source="trigger_output")
    update("a", {"inference": {"output_schema": {"required": ["x"]}}})

    assert _shown(stored)["status"] == "active"
    (reason,) = _shown(handed)["stale_because"]
    assert (reason["side"], reason["action"], reason["direction"]) == (
        "source",
        "inference",
        "output",
    )


def test_going_back_to_the_old_schema_ends_it(pair):
    update("b", NARROW)
    update("b", None)

    shown = _shown(pair)
    assert shown["status"] == "active"
    assert "stale_because" not in shown


@pytest.mark.parametrize("accepting", [{"status": "active"}, {"input": {"x": 1}}])
def test_a_put_of_active_or_of_a_new_input_accepts_the_present_interfaces(pair, accepting):
    update("b", NARROW)

    assert _put(pair, **accepting)["status"] == "active"


def test_a_new_label_accepts_nothing(pair):
    update("b", NARROW)

    assert _put(pair, label="new")["status"] == "stale"


def test_set_by_hand_it_is_stale_for_no_reason(pair):
    shown = _put(pair, status="stale")

    assert (shown["status"], shown["stale_because"]) == ("stale", [])
    assert _put(pair, status="active")["status"] == "active"


def test_annotations_order_and_number_form_do_not_matter(make_model):
    old = {"type": "object", "properties": {"n": {"maximum": 1}, "title": {"title": "a"}}}
    new = {
        "title": "Numbers",
        "properties": {"title": {"title": "b"}, "n": {"maximum": 1.0, "examples": [1]}},
        "type": "object",
    }
    make_model("a")
    make_model("b", contracts={"inference": {"input_schema": old}})
    subscription = link("a", "b", input={})
    update("b", {"inference": {"input_schema": new}})
    assert _shown(subscription)["status"] == "active"

    del new["properties"]["title"]
    update("b", {"inference": {"input_schema": new}})
    assert _shown(subscription)["status"] == "stale", "a property that is called title counts"


def test_an_update_writes_no_subscription(pair):
    """ "An update of the model costs the same whether it has one subscriber or a million." """
    with CaptureQueriesContext(connection) as queries:
        update("b", NARROW)

    written = [q["sql"] for q in queries if not q["sql"].startswith(("SELECT", "SAVE", "RELEASE"))]
    assert not any('"subscriptions_eventsubscription"' in sql for sql in written)


CONTRACTS = [None, {"required": ["x"]}, {"required": ["y"]}]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["source", "target"]), st.sampled_from(CONTRACTS)),
        st.tuples(st.just("handler"), st.sampled_from(["one", "other"])),
        st.tuples(st.just("set"), st.sampled_from(["active", "paused", "stale"])),
        st.just(("input", {"x": 1})),
        st.just(("accept all", None)),
    ),
    max_size=10,
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, hands_on=st.booleans())
def test_random_updates_accepts_and_reverts_agree_with_a_ten_line_reference(
    make_model, steps, hands_on
):
    EventSubscription.objects.all().delete()
    Model.objects.all().delete()
    make_model("a")
    make_model("b")
    sent = {"input_source": "trigger_output"} if hands_on else {"input": {}}
    subscription = link("a", "b", **sent)
    present = {"source": None, "target": None, "handler": "b"}
    accepted, state = _interfaces(present, hands_on), "active"
    for step, value in steps:
        if step == "input" and hands_on:
            continue
        _do(subscription, step, value, present)
        if step in ("input", "accept all") or value == "active":
            accepted = _interfaces(present, hands_on)
            state = "active" if state == "stale" else state
        if step == "set":
            state = value
        shown = _shown(subscription)
        assert shown["status"] == _effective(present, accepted, state, hands_on)
        sides = {reason["side"] for reason in shown.get("stale_because", [])}
        now = _interfaces(present, hands_on)
        assert sides == {side for side, was in accepted.items() if now[side] != was}


def _interfaces(present: dict[str, Any], hands_on: bool) -> dict[str, Any]:
    """A target's schema, or its handler without one; and what is handed on, if it is."""
    target = present["target"] or present["handler"]
    return {"target": target, **({"source": present["source"]} if hands_on else {})}


def _effective(present: Any, accepted: Any, state: str, hands_on: bool) -> str:
    return "stale" if _interfaces(present, hands_on) != accepted else state


def _do(subscription: EventSubscription, step: str, value: Any, present: dict[str, Any]) -> None:
    if step in present:
        present[step] = value
        if step == "source":
            update("a", value and {"inference": {"output_schema": value}})
        else:
            schema = present["target"]
            contracts = schema and {"inference": {"input_schema": schema}}
            update("b", contracts, handler=present["handler"])
    elif step == "accept all":
        accept_incoming(model_id="b", only_valid=False)
    else:
        _put(subscription, **{"status" if step == "set" else "input": value})
