"""A subscription's page and what staff may do there: pause, resume, accept what has changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.staff import subscription_page
from config.staff.links import act_url, list_url, page_url
from models_registry.models import Job, Model
from subscriptions.models import EventSubscription, Trigger
from tests.config.staff.rows import end
from tests.factories import ask_inference, change_model, make_active_model, make_subscription

NUMBER = {"type": "object", "properties": {"route": {"type": "number"}}}
TEXT = {"type": "object", "properties": {"route": {"type": "string"}}}


def contract(schema: Any, direction: str = "input") -> dict[str, Any]:
    return {"inference": {f"{direction}_schema": schema}}


@pytest.fixture
def subscription(db) -> EventSubscription:
    """An active one from `first` to `second`, with a route that is a text."""
    make_active_model("first")
    make_active_model("second", handler_contracts=contract(TEXT))
    return make_subscription(
        "first", "second", trigger_event="inference_complete", input={"route": "Perth", "n": [1]}
    )


@pytest.fixture
def stale(subscription) -> EventSubscription:
    change_model("second", handler_contracts=contract(NUMBER))
    return present(subscription)


def present(subscription: EventSubscription) -> EventSubscription:
    return EventSubscription.objects.with_status().get(pk=subscription.pk)


def names(response: Any) -> list[str]:
    return [each["action"].name for each in response.context["available_actions"]]


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_payload_and_contract_stand_beside_each_other(staff, subscription):
    page = staff.get(page_url(subscription))

    assert [line.text for line in page.context["payload"].lines] == [
        "{",
        '  "route": "Perth",',
        '  "n": [',
        "    1",
        "  ]",
        "}",
    ]
    assert "mp-tree-name" in page.context["contract"]
    assert "Nothing has changed since." in page.content.decode()


def test_each_warning_stands_at_its_place_in_the_payload(staff, stale):
    warnings = ["input/route: expected a number", "input/n/0: too small", "input/gone: who knows"]
    EventSubscription.objects.filter(pk=stale.pk).update(warnings=warnings, has_warnings=True)

    shown = staff.get(page_url(stale)).context["payload"]

    marked = {line.text.strip(): line.messages for line in shown.lines if line.messages}
    assert marked == {'"route": "Perth",': ["expected a number"], "1": ["too small"]}
    assert shown.elsewhere == ["input/gone: who knows"]


@pytest.mark.parametrize(
    ("value", "warning", "text"),
    [
        ({"a/b": {"c~d": 1}}, "input/a~1b/c~0d: wrong", '"c~d": 1'),
        ({"": 1}, "input/: wrong", '"": 1'),
        ({"a": {}}, "input: wrong", "{"),
        ({"a": []}, "input/a: wrong", '"a": []'),
        ({"a: b": 1, "a": 2}, "input/a: b: wrong", '"a: b": 1,'),
    ],
)
def test_any_pointer_finds_its_line(value, warning, text):
    lines = subscription_page.annotated(value, [warning]).lines

    assert [line.text.strip() for line in lines if line.messages] == [text]


def test_a_long_payload_is_cut_and_no_warning_is_lost():
    shown = subscription_page.annotated({"rows": ["x" * 5000] * 2000}, ["input/rows/1999: wrong"])

    assert len(shown.lines) == subscription_page.LINES_LIMIT
    assert max(len(line.text) for line in shown.lines) < 500
    assert (shown.is_cut, shown.elsewhere) == (True, ["input/rows/1999: wrong"])


def test_what_changed_since_it_was_accepted_is_in_words(staff, stale):
    page = staff.get(page_url(stale))

    (reason,) = page.context["reasons"]
    assert (reason["side"], reason["version"]) == ("target", "2")
    assert [change["pointer"] for change in reason["changes"]] == ["/properties/route/type"]
    assert "with version 2" in page.content.decode()


def test_what_it_was_accepted_against_is_shown_as_it_was(staff, stale):
    (accepted,) = staff.get(page_url(stale)).context["accepted"]

    assert accepted["title"] == "second's inference input"
    assert accepted["differs"] is True
    assert "string" in accepted["tree"]


def test_without_a_schema_the_handler_is_what_it_was_accepted_against(staff, db):
    make_active_model("plain")
    subscription = make_subscription("plain", "plain", trigger_event="training_complete")

    (accepted,) = staff.get(page_url(subscription)).context["accepted"]

    assert (accepted["tree"], accepted["differs"]) == (None, False)
    assert "function:infer" in accepted["handler"]


def test_an_edge_shows_its_verdict(staff, db):
    make_active_model("first", handler_contracts=contract(TEXT, "output"))
    make_active_model("second", handler_contracts=contract(NUMBER))
    edge = make_subscription(
        "first", "second", trigger_event="inference_complete", input_source="trigger_output"
    )

    page = staff.get(page_url(edge))

    assert page.context["edge"]["verdict"] == "incompatible"
    assert "need not fit" in page.content.decode()
    assert page.context["payload"] is None


def test_the_latest_triggers_show_their_jobs(staff, subscription, monkeypatch):
    monkeypatch.setattr(subscription_page, "TRIGGERS_SHOWN", 2)
    for _ in range(3):
        end(ask_inference("first"), status="success", output={})

    shown = staff.get(page_url(subscription)).context["triggers"]

    newest = list(Trigger.objects.order_by("-id")[:2])
    assert [each["trigger"] for each in shown] == newest
    assert [each["job"] for each in shown] == [each.job for each in newest]
    assert Job.objects.filter(model_id="second").count() == 3


def test_the_page_asks_as_often_whatever_it_shows(staff, stale):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(page_url(stale)).status_code == 200
        return len(queries)

    few = asked()
    for number in range(12):
        job = ask_inference("first")
        Trigger.objects.create(
            subscription=stale, event=f"job:{number}", job=job, created_at=job.created_at
        )
    assert asked() <= few <= 14


def test_pausing_and_resuming_are_confirmed_and_logged(staff, subscription):
    assert names(staff.get(page_url(subscription))) == ["pause"]
    assert "stops firing" in " ".join(staff.get(act_url(subscription, "pause")).context["effects"])
    assert present(subscription).effective_status == "active"

    staff.post(act_url(subscription, "pause"))
    assert present(subscription).effective_status == "paused"
    assert names(staff.get(page_url(subscription))) == ["resume"]

    staff.post(act_url(subscription, "resume"))
    assert present(subscription).effective_status == "active"
    assert LogEntry.objects.count() == 2


def test_accepting_makes_a_stale_one_fire_again(staff, stale):
    assert names(staff.get(page_url(stale))) == ["pause", "accept"]
    effects = " ".join(staff.get(act_url(stale, "accept")).context["effects"])
    assert "are accepted" in effects

    answer = staff.post(act_url(stale, "accept"))

    assert said(answer) == ["Accepted: the subscription is active."]
    assert present(stale).effective_status == "active"


def test_resuming_accepts_no_contract_that_changed_meanwhile(staff, subscription):
    staff.post(act_url(subscription, "pause"))
    change_model("second", handler_contracts=contract(NUMBER))

    assert "resume" not in names(staff.get(page_url(subscription)))
    answer = staff.post(act_url(subscription, "resume"))

    assert "changed since" in said(answer)[0]
    assert present(subscription).state == "paused"


def test_resuming_what_would_close_a_loop_is_refused(staff, subscription):
    staff.post(act_url(subscription, "pause"))
    make_subscription(
        "second", "first", trigger_event="inference_complete", target_action="inference"
    )

    answer = staff.post(act_url(subscription, "resume"))

    assert "loop" in said(answer)[-1]
    assert present(subscription).state == "paused"


def test_all_that_run_a_model_are_accepted_at_once_from_the_list(staff, stale):
    fitting = make_subscription("first", "second", trigger_event="training_complete", input={})
    EventSubscription.objects.filter(pk=stale.pk).update(has_warnings=True, warnings=["input: x"])
    EventSubscription.objects.filter(pk=fitting.pk).update(accepted_target_fingerprint="x" * 64)
    target = Model.objects.get(pk="second")

    page = staff.get(list_url(EventSubscription, target__id__exact="second"))
    assert names(page) == ["accept", "accept-all"]
    assert "available_actions" not in staff.get(list_url(EventSubscription)).context

    # A revalidation after the update would be finished first; here none of the stale fit but one.
    answer = staff.post(act_url(target, "accept-all"))
    assert said(answer)[0].startswith("Accepted: 2.")
    assert {present(stale).effective_status, present(fitting).effective_status} == {"active"}


def test_only_those_that_fit_are_accepted(staff, stale):
    target = Model.objects.get(pk="second")
    effects = list(staff.get(act_url(target, "accept")).context["effects"])
    assert "Stale subscriptions that run second: 1." in effects
    assert any("A revalidation is in progress" in line for line in effects)

    answer = staff.post(act_url(target, "accept"))

    assert said(answer)[0].startswith("Accepted: 0. Still stale: 1 that do not fit")
    # Now that all are checked, it is effects.
    effects = list(staff.get(act_url(target, "accept")).context["effects"])
    assert "Fire again, because the payload fits the current contract: 0." in effects
    assert any("1 whose payload does not fit, 0 that pass on" in line for line in effects)
    assert not any("A revalidation is in progress" in line for line in effects)
    assert present(stale).effective_status == "stale"


def test_each_action_takes_its_permission(log_in, stale):
    viewer, operator = log_in("viewers"), log_in("operators")

    assert names(viewer.get(page_url(stale))) == []
    assert names(operator.get(page_url(stale))) == ["pause"]
    assert viewer.post(act_url(stale, "pause")).status_code == 403
    assert operator.post(act_url(stale, "accept")).status_code == 403
    assert operator.post(act_url(stale.target, "accept-all")).status_code == 403
    assert present(stale).effective_status == "stale"
