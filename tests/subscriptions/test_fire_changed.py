"""Firing what others change between what is read of it and what is written, on PostgreSQL.

A firing reads which subscriptions fire by one statement and copies their inputs by another; each
sees what was committed until then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from models_registry.models import Job
from models_registry.services.versions import set_version_status
from subscriptions.models import EventSubscription, Trigger
from subscriptions.services import firing
from subscriptions.services.subscribing import unsubscribe, update_subscription
from tests.at_once import at_once
from tests.subscriptions.conftest import link, run, update

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}

Meanwhile = Callable[..., None]


@pytest.fixture
def subscription(make_model) -> EventSubscription:
    make_model("a")
    make_model("b")
    return link("a", "b", input={"n": 1})


@pytest.fixture
def meanwhile(monkeypatch) -> Meanwhile:
    """Have changes committed by somebody else when the next firing has read what fires.

    The first is done before this function of `firing` is called, each other one before it is
    called once more.
    """

    def have(*changes: Callable[[], Any], before: str = "_decide") -> None:
        real, waiting = getattr(firing, before), list(changes)

        def change_and_go_on(*given: Any) -> Any:
            if waiting:
                (outcome,) = at_once(waiting.pop(0))
                assert not isinstance(outcome, Exception), outcome
            return real(*given)

        monkeypatch.setattr(firing, before, change_and_go_on)

    return have


def _change(subscription: EventSubscription, **changes: Any) -> None:
    update_subscription(source_id="a", subscription_id=subscription.pk, changes=changes)


def _renew(subscription: EventSubscription) -> None:
    """Have the target need another input, in a version that is in use, and store such an input."""
    update("b", NEEDS_X)
    set_version_status(model_id="b", version="2", status="active")
    _change(subscription, input={"x": 2})


def _fired(job: Job) -> list[tuple[str, dict[str, Any]]]:
    """Return version and input of each job that was triggered; rows and answer must agree."""
    triggers = Trigger.objects.filter(event=f"job:{job.pk}").order_by("subscription_id")
    entries = [(one["subscription_id"], one.get("job_id")) for one in job.triggered_events]
    assert entries == [(str(one.subscription_id), str(one.job_id)) for one in triggers]
    made = Job.objects.filter(triggered_by_job_id=job.pk)
    assert {str(one.pk) for one in made} == {job_id for _, job_id in entries}
    return [(one.version.version, one.input) for one in made.order_by("triggered_by_id")]


def test_one_that_is_paused_does_not_fire_and_is_not_held_up(subscription, meanwhile):
    meanwhile(lambda: _change(subscription, status="paused"))

    assert _fired(run("a")) == []
    assert run("a").triggered_events == []


def test_one_that_is_set_to_stale_does_not_fire(subscription, meanwhile):
    meanwhile(lambda: _change(subscription, status="stale"))

    assert _fired(run("a")) == []


def test_one_whose_targets_contract_changes_does_not_fire(subscription, meanwhile):
    meanwhile(lambda: update("b", NEEDS_X))

    assert _fired(run("a")) == []


def test_a_new_input_for_a_new_version_never_runs_the_old_one(subscription, meanwhile):
    meanwhile(lambda: _renew(subscription))

    assert _fired(run("a")) == [("2", {"x": 2})]


def test_one_with_a_new_input_fires_once_with_it(subscription, meanwhile):
    meanwhile(lambda: _change(subscription, input={"n": 2}))

    assert _fired(run("a")) == [("1", {"n": 2})]


def test_one_that_was_changed_is_changed_again_only_after_the_event(subscription, meanwhile):
    """It is read again under a lock: nobody can keep a firing reading for ever."""
    changes: list[threading.Thread] = []

    def change_later() -> None:
        change = threading.Thread(
            target=at_once, args=[lambda: _change(subscription, input={"n": 3})]
        )
        change.start()
        changes.append(change)

    meanwhile(lambda: _change(subscription, input={"n": 2}), change_later)
    assert _fired(run("a")) == [("1", {"n": 2})]

    changes[0].join(20)
    subscription.refresh_from_db()
    assert subscription.input == {"n": 3}


def test_a_new_input_that_is_too_large_is_an_error_and_no_job(subscription, meanwhile, settings):
    settings.LAMBDA_SYNC_LIMIT_BYTES = 5_000
    meanwhile(lambda: _change(subscription, input={"n": "n" * 5_000}))

    (entry,) = run("a").triggered_events
    assert entry == {"subscription_id": str(subscription.pk), "error": firing.TOO_LARGE}
    assert Trigger.objects.get().error == firing.TOO_LARGE


def test_one_that_is_paused_and_resumed_fires_once(subscription, meanwhile):
    def pause_and_resume() -> None:
        _change(subscription, status="paused")
        _change(subscription, status="active")

    meanwhile(pause_and_resume)

    assert _fired(run("a")) == [("1", {"n": 1})]


def test_a_new_label_changes_nothing_of_a_firing(subscription, meanwhile, monkeypatch):
    meanwhile(lambda: _change(subscription, label="new"))
    monkeypatch.setattr(firing, "_without_job", None)

    assert _fired(run("a")) == [("1", {"n": 1})]


def test_a_change_of_one_blocks_no_other_and_the_entries_are_in_order(subscription, meanwhile):
    changed, paused, _ = (link("a", "b", input={"n": number}) for number in (2, 3, 4))

    def change_two() -> None:
        _change(changed, input={"n": 20})
        _change(paused, status="paused")

    meanwhile(change_two)

    assert _fired(run("a")) == [("1", {"n": 1}), ("1", {"n": 20}), ("1", {"n": 4})]


def _unsubscribe(subscription: EventSubscription) -> None:
    unsubscribe(source_id="a", subscription_id=subscription.pk)


@pytest.mark.parametrize("before", ["_decide", "_insert_triggers"])
def test_one_that_is_deleted_has_not_fired(subscription, meanwhile, before):
    """With its job made, the firing finds out when it commits, and is run again."""
    meanwhile(lambda: _unsubscribe(subscription), before=before)
    done = run("a")

    assert done.status == "success"
    assert _fired(done) == []


def test_one_whose_targets_version_fails_runs_what_was_current(subscription, meanwhile):
    meanwhile(lambda: set_version_status(model_id="b", version="1", status="failed"))

    assert _fired(run("a")) == [("1", {"n": 1})]
