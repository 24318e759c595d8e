"""The audit log: every change has one row, by whoever made it, and nothing else has."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from models_registry.handlers import Answered
from models_registry.models import AuditEntry, Job
from models_registry.observability.audit_log import FIELD_LIMIT_BYTES, bounded, changed
from models_registry.queue import sweeper
from models_registry.services import completion, versions
from models_registry.services.models import delete_model
from models_registry.services.reruns import cancel_job, retry_job
from subscriptions.services.accepting import accept_incoming
from subscriptions.services.subscribing import unsubscribe, update_subscription
from tests import examples
from tests.factories import (
    ask_inference,
    ask_training,
    change_model,
    make_model,
    make_subscription,
)
from tests.models_registry.auditing import actions, last

MODEL = examples.MODEL_ID


# --- What is in it ----------------------------------------------------------------------------
def test_registering_a_model_is_kept_with_its_values(db):
    make_model()

    entry = last()
    assert actions() == ["model.registered"]
    assert (entry.model_id, entry.version, entry.before) == (MODEL, "1", None)
    assert entry.after["handlers"] == examples.create_model()["handlers"]
    assert entry.after["status"] == "pending"


def test_updating_an_active_model_is_one_row_that_names_the_version_and_its_job(forgotten):
    change_model(name="Another name")

    entry = last()
    assert actions() == ["model.updated"]
    assert entry.job_id == Job.objects.get().pk
    assert (entry.after["version"], entry.version) == ("2", "2")
    assert entry.after["name"] == "Another name"
    assert entry.before["name"] != "Another name"
    assert "status" not in entry.after, "what did not change is not there"


def test_setting_a_status_keeps_the_status_before_and_after_and_what_is_in_use(forgotten):
    versions.create_version(model_id=MODEL, version="rc1", description="", metadata={})
    versions.set_version_status(model_id=MODEL, version="rc1", status="active")
    versions.set_version_status(model_id=MODEL, version="rc1", status="active")

    assert actions() == ["version.created", "version.status_set"], "the same again is no change"
    assert last().before == {"status": "pending", "current_version": "1"}
    assert last().after == {"status": "active", "current_version": "rc1", "triggered_events": 0}


def test_a_rollback_is_a_change_though_the_status_is_the_same(forgotten):
    versions.create_version(model_id=MODEL, version="rc1", description="", metadata={})
    versions.set_version_status(model_id=MODEL, version="rc1", status="active")
    versions.set_version_status(model_id=MODEL, version="1", status="active")

    assert last().before == {"status": "active", "current_version": "rc1"}
    assert last().after["current_version"] == "1"


def test_a_training_that_a_caller_reports_activates_its_version(forgotten):
    job = ask_training()
    completion.complete_job(
        model_id=MODEL, version="1", job_id=job.pk, status="success", output={"a": 1}, error=None
    )
    again = actions()
    completion.complete_job(
        model_id=MODEL, version="1", job_id=job.pk, status="success", output={"a": 1}, error=None
    )

    assert actions() == again == ["job.requested", "version.activated", "job.completed"]
    requested, activated, completed = AuditEntry.objects.order_by("id")
    assert {requested.job_id, activated.job_id, completed.job_id} == {job.pk}
    assert requested.after["status"] == "pending"
    assert (completed.before, completed.after["status"]) == ({"status": "pending"}, "success")
    assert set(completed.after["output"]) == {"bytes", "sha256"}, "payloads are not in it"


def test_a_training_that_fails_fails_its_version(forgotten):
    job = ask_training()
    error = {"code": "no_data", "message": "No rows."}
    completion.complete_job(
        model_id=MODEL, version="1", job_id=job.pk, status="failure", output=None, error=error
    )

    assert actions() == ["job.requested", "version.failed", "job.completed"]
    assert last().after["error"] == error


def test_dispatch_and_the_end_of_a_job_by_a_worker_are_in_the_job_not_in_the_log(
    forgotten, scripted, run_due_jobs
):
    ask_inference()
    scripted.outcomes.append(Answered({"y": 1}))
    run_due_jobs()
    sweeper.sweep()

    assert Job.objects.get().status == "success"
    assert actions() == ["job.requested"]


def test_deleting_a_model_leaves_what_was_said_of_it(forgotten):
    delete_model(model_id=MODEL)

    assert last().action == "model.deleted"
    assert last().before["name"] == examples.create_model()["name"]
    assert last().after is None


def test_a_subscription_from_its_beginning_to_its_end(forgotten):
    made = make_subscription(MODEL, MODEL, label="first")
    update_subscription(source_id=MODEL, subscription_id=made.pk, changes={"label": "second"})
    update_subscription(source_id=MODEL, subscription_id=made.pk, changes={"status": "paused"})
    unsubscribe(source_id=MODEL, subscription_id=made.pk)

    assert actions() == [
        "subscription.created",
        "subscription.updated",
        "subscription.updated",
        "subscription.deleted",
    ]
    _, labelled, paused, deleted = AuditEntry.objects.order_by("id")
    assert (labelled.before, labelled.after) == ({"label": "first"}, {"label": "second"})
    assert paused.after == {"state": "paused", "status": "paused"}
    assert {entry.subscription_id for entry in AuditEntry.objects.all()} == {made.pk}
    assert deleted.before["label"] == "second"


def test_an_input_that_is_remembered_is_a_subscription_made_once(forgotten, api):
    body = {"input": {"features": [1]}, "subscribe": True}
    for _ in range(2):
        api.post(f"/v2/models/{MODEL}/versions/1/inference", body)

    assert sorted(actions()) == ["job.requested", "job.requested", "subscription.created"]


def test_accepting_many_is_one_row_with_their_number(forgotten):
    for number in range(3):
        make_subscription(MODEL, MODEL, input={"n": number})
    change_model(handler_contracts={"inference": {"input_schema": {"type": "object"}}})
    AuditEntry.objects.all().delete()
    accept_incoming(model_id=MODEL, only_valid=False)
    accept_incoming(model_id=MODEL, only_valid=False)

    assert actions() == ["subscription.accepted"], "none left is no change"
    assert last().after == {"accepted": 3, "only_valid": False}


def test_an_event_that_fires_many_is_one_row_with_their_number(forgotten):
    for number in range(40):
        make_subscription(MODEL, MODEL, input={"n": number})
    job = ask_training()
    AuditEntry.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        completion.complete_job(
            model_id=MODEL, version="1", job_id=job.pk, status="success", output={}, error=None
        )

    assert actions() == ["version.activated", "job.completed"]
    assert last().after["triggered_events"] == 40
    inserts = [each for each in queries if "INSERT INTO" in each["sql"] and "audit" in each["sql"]]
    assert len(inserts) == 2


def test_a_change_that_is_refused_leaves_no_row(forgotten, api):
    path = f"/v2/models/{MODEL}/versions/1/new_status"
    assert api.post(path, {"status": "training"}).status == 409
    assert api.post("/v2/models", examples.create_model(id=MODEL)).status == 409

    assert actions() == []


# --- How large it may be, and what it never holds ---------------------------------------------
def test_a_large_value_stands_there_as_its_size_and_hash():
    large = {"properties": {f"p{number}": {"type": "string"} for number in range(500)}}
    kept = bounded({"handler_contracts": large, "name": "small"})
    same = bounded({"handler_contracts": dict(reversed(large.items()))})

    assert kept is not None
    assert same is not None
    assert kept["name"] == "small"
    assert kept["handler_contracts"]["bytes"] > FIELD_LIMIT_BYTES
    assert len(kept["handler_contracts"]["sha256"]) == 64
    assert same == {"handler_contracts": kept["handler_contracts"]}


def test_secrets_in_free_fields_are_not_kept(db):
    make_model(metadata={"team": "pricing", "api_key": "s3cr3t", "notes": "Bearer abcdef123456"})

    kept = last().after["metadata"]
    assert kept == {"team": "pricing", "api_key": "[redacted]", "notes": "Bearer [redacted]"}


def test_only_what_differs_is_kept_of_a_change():
    assert changed({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ({"b": 2}, {"b": 3})


# --- Second thoughts --------------------------------------------------------------------------
def test_a_retry_and_a_cancellation_are_kept(forgotten):
    first = ask_inference()
    cancel_job(job_id=first.pk)
    cancel_job(job_id=first.pk)
    again = retry_job(job_id=first.pk)

    assert actions() == ["job.requested", "job.cancelled", "job.retried"], "once is once"
    cancelled = AuditEntry.objects.get(action="job.cancelled")
    assert (cancelled.before["status"], cancelled.after["status"]) == ("pending", "failure")
    assert cancelled.after["error"]["code"] == "cancelled"
    assert (last().job_id, last().after["retry_of"]) == (again.pk, str(first.pk))
