"""Firing: what one event makes of a model's subscriptions."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.test.utils import CaptureQueriesContext

from models_registry.models import Job, ModelVersion
from models_registry.queue import wakeups
from models_registry.queue.claim import claim_job
from models_registry.services.versions import create_version, set_version_status
from subscriptions.models import EventSubscription, Trigger
from subscriptions.services import firing
from subscriptions.services.subscribing import update_subscription
from tests.subscriptions.conftest import finish, link, run, update

SOME_ID = UUID(int=7)

pytestmark = pytest.mark.django_db

COMBINATIONS = list(
    itertools.product(
        ("training_complete", "inference_complete"),
        ("training", "inference"),
        ("stored", "trigger_output"),
    )
)


@pytest.mark.parametrize(("event", "action", "source"), COMBINATIONS)
def test_each_combination_of_event_action_and_input_source_works(make_model, event, action, source):
    make_model("a")
    make_model("b")
    subscription = link("a", "b", trigger_event=event, target_action=action, input_source=source)
    done = run("a", event.removesuffix("_complete"), output={"handed": "on"})

    (entry,) = done.triggered_events
    job = Job.objects.get(pk=entry["job_id"])
    assert entry["subscription_id"] == str(subscription.pk)
    assert (job.model_id, job.job_type, job.status) == ("b", action, "pending")
    assert job.input == ({"features": [1]} if source == "stored" else {"handed": "on"})
    assert (job.triggered_by_id, job.triggered_by_job_id) == (subscription.pk, done.pk)
    assert claim_job(job.pk) is not None


def test_a_failed_job_fires_nothing(make_model):
    from models_registry.services.completion import complete_job
    from models_registry.services.jobs import request_inference

    make_model("a")
    make_model("b")
    link("a", "b")
    job = request_inference(model_id="a", version="1", input={})
    complete_job(model_id="a", version="1", job_id=job.pk, status="failure", output=None, error={})

    assert not Trigger.objects.exists()


def test_an_activation_by_hand_fires_with_what_the_last_training_gave(settings, make_model):
    settings.ACTIVATION = "manual"
    make_model("a", active=False)
    make_model("b")
    link("a", "b", trigger_event="training_complete", input_source="trigger_output")
    job = run("a", "training", output={"model_path": "m"})
    assert job.triggered_events == []

    change = set_version_status(model_id="a", version="1", status="active")

    (entry,) = change.triggered_events
    assert Job.objects.get(pk=entry["job_id"]).input == {"model_path": "m"}
    assert Trigger.objects.get().source_job == job


def test_only_training_to_active_fires_when_set_by_hand(make_model):
    make_model("a", active=False)
    make_model("b")
    link("a", "b", trigger_event="training_complete")

    assert set_version_status(model_id="a", version="1", status="active").triggered_events == []


@pytest.mark.parametrize("status", ["paused", "stale"])
def test_a_paused_or_stale_subscription_never_fires(make_model, status):
    make_model("a")
    make_model("b")
    subscription = link("a", "b")
    update_subscription(source_id="a", subscription_id=subscription.pk, changes={"status": status})

    assert run("a").triggered_events == []


def test_a_subscription_stale_by_a_changed_contract_never_fires(make_model):
    make_model("a")
    make_model("b")
    link("a", "b")
    update("b", {"inference": {"input_schema": {"required": ["x"]}}})

    assert run("a").triggered_events == []


def test_a_target_without_an_active_version_gives_an_error_and_blocks_nothing(make_model):
    make_model("a")
    make_model("b", active=False)
    make_model("c")
    link("a", "b")
    link("a", "c")
    first, second = run("a").triggered_events

    assert first["error"] == "The target has no active version."
    assert "job_id" not in first
    assert "job_id" in second


def test_an_output_that_is_missing_can_not_be_handed_on(make_model):
    from models_registry.services.completion import complete_job
    from models_registry.services.jobs import request_inference

    make_model("a")
    make_model("b")
    link("a", "b", input_source="trigger_output")
    job = request_inference(model_id="a", version="1", input={})
    done = complete_job(
        model_id="a", version="1", job_id=job.pk, status="success", output=None, error=None
    )

    assert done.triggered_events[0]["error"] == "The triggering job has no output to hand on."


def test_the_job_runs_on_the_targets_current_version(make_model):
    make_model("a")
    make_model("b")
    create_version(model_id="b", version="rc1", description="", metadata={})
    set_version_status(model_id="b", version="rc1", status="active")
    link("a", "b")

    run("a")
    assert Job.objects.get(model_id="b").version.version == "rc1"


def test_a_triggered_job_has_the_defaults_of_any_job_in_the_columns_that_nothing_fills(
    make_model, monkeypatch
):
    """Those of the columns that are added later among them."""
    later = Job._meta.get_field("retry_of")
    monkeypatch.setattr(later, "_get_default", lambda: SOME_ID)
    make_model("a")
    make_model("b")
    link("a", "b")
    run("a")
    assert Job.objects.get(model_id="b").retry_of == SOME_ID


def test_one_event_fires_a_subscription_once(make_model):
    """ "Unique, so nothing fires twice whatever is retried." """
    make_model("a")
    make_model("b")
    link("a", "b")
    done = run("a")
    assert finish(done).triggered_events == done.triggered_events

    trigger = Trigger.objects.get()
    trigger.pk = None
    with pytest.raises(IntegrityError):
        trigger.save()


def test_a_chain_of_thirty_models_runs_to_its_end(make_model):
    for number in range(30):
        make_model(f"m{number}")
    for number in range(29):
        link(f"m{number}", f"m{number + 1}", input_source="trigger_output")
    job = run("m0", output={"n": 1})
    for number in range(1, 30):
        job = finish(Job.objects.get(model_id=f"m{number}"), output={"n": number + 1})

    assert job.input == {"n": 29}
    assert job.depth == 29


def test_a_chain_of_more_than_32_stops_with_a_recorded_error(make_model):
    """F17: "chains deeper than 32 stop with a recorded error", the fuse behind the loop check."""
    make_model("a")
    subscription = link("a", "a", trigger_event="training_complete")
    # No loop can be made through the services; this one is closed behind their back.
    EventSubscription.objects.update(trigger_event="inference_complete")
    job = run("a")
    for _ in range(32):
        job = finish(Job.objects.get(pk=job.triggered_events[0]["job_id"]))

    (entry,) = job.triggered_events
    assert entry == {
        "subscription_id": str(subscription.pk),
        "error": "The chain is 32 jobs long and stops here.",
    }
    assert Trigger.objects.get(job=None).error == entry["error"]


def test_a_thousand_subscribers_take_as_many_statements_as_one(make_model):
    """F18."""
    from django.db import connection

    make_model("a")
    make_model("b")
    link("a", "b")
    with CaptureQueriesContext(
        connection,
    ) as one:
        run("a")
    EventSubscription.objects.bulk_create(
        _copy(EventSubscription.objects.get()) for _ in range(999)
    )
    with CaptureQueriesContext(connection) as thousand:
        done = run("a")

    assert len(done.triggered_events) == 1000
    assert len(thousand) == len(one)
    assert Job.objects.filter(model_id="b").count() == 1001


def test_more_subscribers_than_are_held_at_once_all_fire_once_and_wake_each_queue(
    make_model, monkeypatch, django_capture_on_commit_callbacks
):
    """F18, with the memory of the request bounded."""
    monkeypatch.setattr(firing, "FIRED_AT_ONCE", 2)
    woken = []
    monkeypatch.setattr(
        wakeups, "publish_wakeups", lambda ids, *, synchronous: woken.append(synchronous)
    )
    make_model("a")
    make_model("b")
    for number in range(5):
        link("a", "b", target_action="training" if number == 4 else "inference")
    with django_capture_on_commit_callbacks(execute=True):
        done = run("a")

    fired = [entry["subscription_id"] for entry in done.triggered_events]
    assert fired == sorted(str(each.pk) for each in EventSubscription.objects.all())
    jobs = {str(job.pk) for job in Job.objects.filter(model_id="b", origin="triggered")}
    assert {entry["job_id"] for entry in done.triggered_events} == jobs
    assert len(jobs) == 5
    assert set(woken) == {False, True}


def _copy(subscription: EventSubscription) -> EventSubscription:
    from models_registry.models import new_id

    values = {
        field.attname: getattr(subscription, field.attname)
        for field in EventSubscription._meta.concrete_fields
    }
    return EventSubscription(**{**values, "id": new_id()})


def test_a_completion_by_callback_answers_with_what_it_triggered(api, make_model):
    from models_registry.services.jobs import request_inference

    make_model("a")
    make_model("b")
    subscription = link("a", "b")
    job = request_inference(model_id="a", version="1", input={})
    answer = api.post(
        f"/v2/models/a/versions/1/jobs/{job.pk}/complete", {"status": "success", "output": {}}
    )

    (entry,) = answer.body["triggered_events"]
    assert entry["subscription_id"] == str(subscription.pk)
    shown = api.get(f"/v2/jobs/{entry['job_id']}").body
    assert shown["triggered_by"] == {
        "subscription_id": str(subscription.pk),
        "job_id": str(job.pk),
    }


def test_a_retrained_active_version_fires_again(make_model):
    make_model("a")
    make_model("b")
    link("a", "b", trigger_event="training_complete")

    assert len(run("a", "training").triggered_events) == 1
    assert len(run("a", "training").triggered_events) == 1
    assert ModelVersion.objects.get(model_id="a").status == "active"


def test_one_accepted_while_its_targets_new_version_trains_runs_the_one_in_use(make_model):
    """ "On the target's current version", though it is judged by the newest contract."""
    make_model("a")
    make_model("b")
    update("b", {"inference": {"input_schema": {"required": ["x"]}}})
    subscription = link("a", "b", input={"x": 1})

    (entry,) = run("a").triggered_events
    assert (
        EventSubscription.objects.with_status().get(pk=subscription.pk).effective_status == "active"
    )
    assert Job.objects.get(pk=entry["job_id"]).version.version == "1"
