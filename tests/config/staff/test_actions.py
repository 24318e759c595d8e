"""What staff do: confirmed first, one service call, and never without an entry in the log."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages

from config.staff.jobs import JobAdmin
from config.staff.links import act_url
from config.staff.services import action_log
from config.staff.versions import ModelVersionAdmin
from models_registry.models import AuditEntry, Job, Model, ModelVersion
from models_registry.services.versions import set_version_status
from tests.config.staff.rows import end
from tests.factories import ask_training, change_model, make_active_model, make_subscription

MODEL_PAGE = "/admin/models_registry/model/first/change/"


@pytest.fixture
def versions(db) -> list[ModelVersion]:
    """Two versions, both active, the second of them current."""
    make_active_model("first")
    change_model("first")
    set_version_status(model_id="first", version="2", status="active")
    return list(ModelVersion.objects.filter(model_id="first").order_by("number"))


@pytest.fixture
def failed(versions) -> Job:
    job = ask_training("first", rows=7)
    return end(job, status="failure", error={"code": "no_data", "message": "No rows."})


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def logged() -> list[tuple[str, str, str]]:
    entries = LogEntry.objects.order_by("id").select_related("user")
    return [(each.user.username, each.object_repr, each.change_message) for each in entries]


def test_rolling_back_is_shown_first_and_changes_nothing_yet(staff, versions):
    page = staff.get(act_url(versions[0], "activate"))

    assert list(page.context["effects"]) == [
        "Version 1 of first becomes current; events run it.",
        "It rolls back from version 2, which stays active.",
        "No subscription fires: only the end of a training fires them.",
    ]
    assert Model.objects.get(pk="first").current_version == versions[1]
    assert logged() == []


def test_rolling_back_makes_the_older_version_current_and_is_logged(staff, versions):
    answer = staff.post(act_url(versions[0], "activate"))

    assert (answer.status_code, answer["Location"]) == (
        302,
        MODEL_PAGE,
    )
    assert Model.objects.get(pk="first").current_version == versions[0]
    done = "Version 1 of first is current. Subscriptions fired: 0."
    assert said(answer) == [done]
    assert logged() == [("staff of None", "first 1", f"Activate: done. {done}")]


def test_the_audit_log_names_the_person_who_acted_and_what_was_before(staff, versions):
    staff.post(act_url(versions[0], "activate"))
    entry = AuditEntry.objects.latest("id")

    assert (entry.action, entry.actor_kind, entry.actor) == (
        "version.status_set",
        "staff",
        "staff of None",
    )
    assert entry.before["current_version"] == "2"
    assert entry.after["current_version"] == "1"
    assert entry.request_id


def test_approving_a_training_says_how_many_subscriptions_fire_and_fires_them(staff, versions):
    make_active_model("second")
    for _ in range(3):
        make_subscription("first", "second", trigger_event="training_complete")
    version = change_model("first")
    set_version_status(model_id="first", version="3", status="training")

    page = staff.get(act_url(version, "activate"))
    answer = staff.post(act_url(version, "activate"))

    expected = "Subscriptions that fire, each with a job, because its training ends: 3."
    assert expected in page.context["effects"]
    assert said(answer) == ["Version 3 of first is current. Subscriptions fired: 3."]


def test_training_again_takes_the_input_of_the_last_training_by_hand(staff, versions, failed):
    answer = staff.post(act_url(versions[1], "train"))

    job = Job.objects.order_by("-id").first()
    assert (job.version, job.job_type, job.input, job.status) == (
        versions[1],
        "training",
        {"rows": 7},
        "pending",
    )
    assert said(answer) == [f"Training job {job.pk} is created."]


def test_retrying_a_failed_job_makes_another(staff, failed):
    answer = staff.post(act_url(failed, "retry"))

    job = Job.objects.order_by("-id").first()
    assert (job.retry_of, job.input) == (failed.pk, {"rows": 7})
    assert said(answer) == [f"Job {job.pk} is created."]


def test_cancelling_a_waiting_job_ends_it(staff, versions):
    job = ask_training("first")

    staff.post(act_url(job, "cancel"))

    job.refresh_from_db()
    assert (job.status, job.error["code"]) == ("failure", "cancelled")


def test_a_refusal_is_a_message_and_is_logged(staff, failed):
    answer = staff.post(act_url(failed, "cancel"))

    refusal = "Only a pending job can be cancelled; this one has started or ended."
    assert answer.status_code == 302
    assert said(answer) == [refusal]
    assert logged()[-1][2] == f"Cancel: refused. {refusal}"


def test_what_was_asked_for_is_kept_even_if_it_breaks_off(staff, failed, monkeypatch):
    def break_off(**_: object) -> None:
        raise RuntimeError("the process died")

    monkeypatch.setattr("config.staff.jobs.retry_job", break_off)
    with pytest.raises(RuntimeError):
        staff.post(act_url(failed, "retry"))

    assert logged() == [("staff of None", str(failed), "Retry: requested.")]


def test_every_action_leaves_an_entry_whatever_it_is(staff, versions, failed):
    rows = {JobAdmin: failed, ModelVersionAdmin: versions[0]}
    for page, row in rows.items():
        for action in page.staff_actions:
            before = LogEntry.objects.count()
            staff.post(act_url(row, action.name))
            assert LogEntry.objects.count() == before + 1, action.name


def test_an_outcome_of_any_length_can_be_kept(staff, failed):
    entry = action_log.record_request(user_id=User.objects.get().pk, row=failed, label="Retry")
    action_log.record_outcome(entry=entry, outcome="x" * 100_000)

    entry.refresh_from_db()
    assert len(entry.change_message) == action_log.OUTCOME_CHARACTERS


def test_only_a_post_with_its_token_acts(log_in, failed):
    client = log_in(enforce_csrf_checks=True)

    assert client.post(act_url(failed, "retry")).status_code == 403
    assert client.put(act_url(failed, "retry")).status_code == 403
    assert Job.objects.count() == 2
    assert client.get(act_url(failed, "no-such")).status_code == 404
    missing = act_url(failed, "retry").replace(str(failed.pk), "0" * 32)
    assert client.get(missing).status_code == 404


def test_another_method_than_get_and_post_is_refused(staff, failed):
    assert staff.put(act_url(failed, "retry")).status_code == 405


def test_only_what_makes_sense_is_offered(staff, versions):
    first, current = (act_url(version, "activate") for version in versions)

    page = staff.get(MODEL_PAGE).content.decode()
    assert first in page, "an older active version"
    assert current not in page, "it is current already"
    assert act_url(versions[1], "train") in page

    end(ask_training("first"), status="failure")
    page = staff.get(MODEL_PAGE).content.decode()
    assert first not in page, "a failed version must be trained first"
