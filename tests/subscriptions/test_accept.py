"""Accepting a changed interface for all of a model's incoming subscriptions at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from models_registry.models import Model
from models_registry.services.lookups import ModelNotFound
from subscriptions.models import EventSubscription, Revalidation
from subscriptions.revalidation.chunks import claim_chunk
from subscriptions.services import accepting
from subscriptions.services.accepting import Acceptance, RevalidationRunning, accept_incoming
from subscriptions.services.lookups import get_subscription
from subscriptions.services.subscribing import update_subscription
from tests.subscriptions.conftest import link, run, update
from tests.tokens import token

pytestmark = pytest.mark.django_db

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}


@pytest.fixture
def b(make_model) -> Model:
    make_model("a")
    return make_model("b")


def _status(subscription: EventSubscription) -> str:
    return str(get_subscription(subscription.source_id, subscription.pk).effective_status)


def _set(subscription: EventSubscription, status: str) -> None:
    update_subscription(
        source_id=subscription.source_id,
        subscription_id=subscription.pk,
        changes={"status": status},
    )


def _accept(only_valid: bool = True) -> Acceptance:
    return accept_incoming(model_id="b", only_valid=only_valid)


def test_those_whose_stored_payload_fits_are_accepted_and_the_others_counted(b):
    fits = [link("a", "b", input={"x": number}) for number in range(3)]
    fails = link("a", "b", input={})
    handed_on = link("a", "b", input_source="trigger_output")
    update("b", NEEDS_X)

    assert _accept() == Acceptance(accepted=3, invalid=1, trigger_output=1, closing_loop=0)
    assert [_status(subscription) for subscription in fits] == ["active"] * 3
    assert (_status(fails), _status(handed_on)) == ("stale", "stale")
    assert len(run("a").triggered_events) == 3


def test_the_answer_is_right_before_any_worker_has_checked_a_payload(b):
    """An open revalidation is finished first: what an older one found says nothing."""
    fits, fails = link("a", "b", input={"y": 1}), link("a", "b", input={"x": 1})
    update("b", NEEDS_X)
    _accept()
    update("b", {"inference": {"input_schema": {"required": ["y"]}}})
    assert Revalidation.objects.latest("pk").status == "pending"

    assert _accept() == Acceptance(accepted=1, invalid=1, trigger_output=0, closing_loop=0)
    assert (_status(fits), _status(fails)) == ("active", "stale")
    assert Revalidation.objects.latest("pk").status == "success"


def test_while_another_worker_holds_a_chunk_the_caller_is_asked_to_come_again(b, monkeypatch):
    monkeypatch.setattr(accepting, "WAIT_SECONDS", 0.2)
    subscription = link("a", "b", input={"x": 1})
    update("b", NEEDS_X)
    assert claim_chunk(Revalidation.objects.get().pk)

    with pytest.raises(RevalidationRunning) as refused:
        _accept()
    assert refused.value.status == 409
    assert refused.value.retry_after_seconds
    assert _status(subscription) == "stale"
    assert _accept(only_valid=False).accepted == 1, "which asks for no check"


def test_without_only_valid_all_are_accepted_and_warnings_stay(b):
    fails = link("a", "b", input={})
    handed_on = link("a", "b", input_source="trigger_output")
    update("b", NEEDS_X)
    update("a", {"inference": {"output_schema": {"required": ["z"]}}})
    _accept()

    assert _accept(only_valid=False) == Acceptance(
        accepted=2, invalid=0, trigger_output=0, closing_loop=0
    )
    assert (_status(fails), _status(handed_on)) == ("active", "active")
    assert EventSubscription.objects.get(pk=fails.pk).warnings


def test_what_was_accepted_is_stale_again_after_the_next_change(b):
    subscription = link("a", "b", input={"x": 1})
    update("b", NEEDS_X)
    _accept()
    update("b", None)

    assert _status(subscription) == "stale"


@pytest.mark.parametrize("action", ["training", "inference"])
def test_each_action_is_accepted_with_its_own_interface(b, action):
    subscription = link("a", "b", target_action=action, input={"x": 1})
    update("b", {action: {"input_schema": {"required": ["x"]}}})

    assert _accept().accepted == 1
    assert _status(subscription) == "active"


@pytest.mark.parametrize("event", ["training_complete", "inference_complete"])
def test_each_event_is_accepted_with_the_sources_own_output(b, event):
    action = event.removesuffix("_complete")
    subscription = link("a", "b", trigger_event=event, input_source="trigger_output")
    update("a", {action: {"output_schema": {"required": ["z"]}}})
    assert _status(subscription) == "stale"

    assert _accept(only_valid=False).accepted == 1
    assert _status(subscription) == "active"


def test_a_paused_one_is_accepted_and_stays_paused(b):
    subscription = link("a", "b", input={"x": 1})
    _set(subscription, "paused")
    update("b", NEEDS_X)

    assert _accept().accepted == 1
    assert _status(subscription) == "paused"


def test_one_that_was_set_to_stale_by_hand_becomes_active(b):
    subscription = link("a", "b", input={})
    _set(subscription, "stale")

    assert _accept().accepted == 1
    assert _status(subscription) == "active"


def test_one_that_was_set_to_stale_by_hand_stays_so_where_it_would_close_a_loop(b):
    """ "A subscription that would close a loop" is refused when it is resumed as well."""
    there, other = link("a", "b", input={}), link("a", "b", input={})
    _set(there, "stale")
    _set(other, "paused")
    link("b", "a", input={})

    assert _accept() == Acceptance(accepted=0, invalid=0, trigger_output=0, closing_loop=1)
    assert _status(there) == "stale"


def test_active_outgoing_and_other_models_subscriptions_are_left_alone(b, make_model):
    make_model("c")
    update("b", NEEDS_X)
    active = link("a", "b", input={"x": 1})
    outgoing = link("b", "c", input={"x": 1})
    elsewhere = link("a", "c", input={"x": 1})
    update("c", NEEDS_X)
    before = EventSubscription.objects.order_by("pk").values_list("pk", "updated_at")
    unchanged = list(before)

    assert _accept() == Acceptance(accepted=0, invalid=0, trigger_output=0, closing_loop=0)
    assert list(before) == unchanged
    assert [_status(each) for each in (active, outgoing, elsewhere)] == [
        "active",
        "stale",
        "stale",
    ]


def test_many_are_accepted_part_by_part(b, monkeypatch):
    monkeypatch.setattr(accepting, "ROWS_AT_A_TIME", 2)
    for _ in range(5):
        link("a", "b", input={"x": 1})
    update("b", NEEDS_X)

    assert _accept().accepted == 5


def test_a_hundred_take_as_many_statements_as_one(b):
    counts: list[int] = []
    for many in (1, 100):
        for _ in range(many):
            link("a", "b", input={"x": 1})
        update("b", NEEDS_X if many == 1 else None)
        accepting.work_through(Revalidation.objects.latest("pk").pk)
        with CaptureQueriesContext(connection) as queries:
            assert _accept().accepted == (1 if many == 1 else 101)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_an_open_revalidation_still_marks_what_was_accepted_unseen(b):
    """Accepting without a check leaves the warnings to the revalidation that is under way."""
    from subscriptions.revalidation import chunks, payloads

    fails = link("a", "b", input={})
    update("b", NEEDS_X)
    open_run = Revalidation.objects.get()
    chunk = claim_chunk(open_run.pk)
    findings = payloads.Examiner(open_run).examine(chunk)
    _accept(only_valid=False)
    chunks.record_findings(chunk, findings, time_is_up=False)

    assert EventSubscription.objects.get(pk=fails.pk).has_warnings


def test_a_model_that_is_not_there_is_not_found(b):
    with pytest.raises(ModelNotFound):
        accept_incoming(model_id="nowhere", only_valid=True)


def test_a_change_of_the_model_between_check_and_acceptance_is_checked_first(b, monkeypatch):
    """What is accepted is what was checked, also when the contract changes at that moment."""
    subscription = link("a", "b", input={"x": 1})
    update("b", NEEDS_X)
    finish: Any = accepting._finish_revalidations
    calls: list[str] = []

    def finish_and_change(model_id: str, ends_at: float) -> None:
        finish(model_id, ends_at)
        if not calls:
            update("b", {"inference": {"input_schema": {"required": ["y"]}}})
        calls.append(model_id)

    monkeypatch.setattr(accepting, "_finish_revalidations", finish_and_change)

    assert _accept() == Acceptance(accepted=0, invalid=1, trigger_output=0, closing_loop=0)
    assert len(calls) == 2
    assert _status(subscription) == "stale"


# --- HTTP -------------------------------------------------------------------------------------
PATH = "/v2/models/b/accept-subscriptions"


def test_the_answer_says_how_many_of_each(api, b):
    link("a", "b", input={"x": 1})
    link("a", "b", input={})
    link("a", "b", input_source="trigger_output")
    update("b", NEEDS_X)

    answer = api.post(PATH, {})
    assert (answer.status, answer.body) == (
        200,
        {"accepted": 1, "left_stale": {"invalid": 1, "trigger_output": 1, "closing_loop": 0}},
    )
    answer = api.post(PATH, {"only_valid": False})
    assert answer.body == {
        "accepted": 2,
        "left_stale": {"invalid": 0, "trigger_output": 0, "closing_loop": 0},
    }


def test_a_check_that_takes_longer_is_409_with_retry_after(api, b, monkeypatch):
    monkeypatch.setattr(accepting, "WAIT_SECONDS", 0)
    link("a", "b", input={})
    update("b", NEEDS_X)

    answer = api.post(PATH, {"only_valid": True})
    assert (answer.status, answer.body["code"]) == (409, "revalidation_running")
    assert answer.headers["Retry-After"] == "5"


def test_an_unknown_model_is_404_and_a_wrong_body_400(api, b):
    assert api.post("/v2/models/nowhere/accept-subscriptions", {}).status == 404
    answer = api.post(PATH, {"only_valid": "yes", "also": 1})
    assert answer.status == 400
    assert {fault["path"] for fault in answer.body["errors"]} == {"/only_valid", "/also"}


@pytest.mark.parametrize(("scope", "status"), [("manage_subscriptions", 200), ("read_models", 403)])
def test_it_needs_the_right_to_manage_subscriptions(api, b, scope, status):
    assert api.post(PATH, {}, token=token(scope)).status == status
