"""The commands for a person at a terminal, and for scripts."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from models_registry.api import representations as show
from models_registry.models import Job, Model
from subscriptions.api.representations import subscription_objects
from subscriptions.models import EventSubscription, Revalidation, RevalidationStatus
from subscriptions.revalidation.runs import revalidate_again, work_through
from subscriptions.services import accepting
from subscriptions.services.lookups import with_models
from tests import examples
from tests.factories import (
    ask_training,
    change_model,
    make_active_model,
    make_model,
    make_subscription,
)

pytestmark = pytest.mark.django_db

FITS, BREAKS = {"features": [7]}, {"features": "none"}


def printed(*arguments: str, **options: Any) -> str:
    """Return what a command printed into a pipe."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def as_json(*arguments: str) -> Any:
    return json.loads(printed(*arguments, "--json"))


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as raised:
        printed(*arguments)
    return raised.value


@pytest.fixture
def stale(active_model: Model) -> list[EventSubscription]:
    """Two subscriptions whose target has a contract since; the second one's payload breaks it."""
    make_active_model("source")
    both = [make_subscription("source", active_model.pk, input=each) for each in (FITS, BREAKS)]
    change_model()
    work_through(Revalidation.objects.get(action="inference").pk)
    return both


# --- models -----------------------------------------------------------------------------------
def test_models_are_listed_with_their_status(active_model):
    make_model("other")
    lines = [line.split()[:3] for line in printed("models").splitlines()]
    assert lines[1:] == [[active_model.pk, "active", "1"], ["other", "pending", "-"]]
    assert [model["id"] for model in as_json("models", "--status", "pending")] == ["other"]


def test_a_list_ends_at_its_limit_and_says_so(active_model):
    make_model("other")
    assert "Only the first 1 are shown" in printed("models", "--limit", "1")
    assert len(as_json("models", "--limit", "1")) == 1
    assert "Only the first" not in printed("models", "--limit", "2")


def test_one_model_is_shown_with_its_versions(active_model):
    change_model()
    shown = printed("models", active_model.pk)
    assert [line.split()[:2] for line in shown.splitlines()[-2:]] == [
        ["2", "pending"],
        ["1", "active"],
    ]
    model, newest = Model.objects.get(), active_model.pk
    assert as_json("models", newest)["model"] == show.model_object(model)


# --- jobs -------------------------------------------------------------------------------------
def test_jobs_are_narrowed_and_are_the_objects_of_the_api(active_model):
    make_active_model("other")
    job, _ = ask_training(), ask_training("other")
    found = as_json("jobs", "--model", active_model.pk, "--type", "training")
    assert found == [show.job_object(Job.objects.select_related("version").get(pk=job.pk))]
    assert as_json("jobs", "--status", "failure") == []
    assert printed("jobs", "--type", "inference") == "No jobs match.\n"


# --- subscriptions ----------------------------------------------------------------------------
def test_stale_subscriptions_say_why_and_what_does_not_fit(stale, active_model):
    rows = printed("subscriptions", "--stale").splitlines()[1:]
    assert [row.split()[0] for row in rows] == [str(sub.pk) for sub in stale]
    assert "target inference input changed by version 2" in rows[0]
    assert "input/features" in rows[1]
    assert printed("subscriptions", "--status", "active") == "No subscriptions match.\n"


def test_subscriptions_are_the_objects_of_the_api(stale):
    found = as_json("subscriptions", "--with-warnings", "--model", "source")
    assert found == subscription_objects([with_models().get(pk=stale[1].pk)])


def test_rare_subscriptions_are_found_window_by_window(stale, monkeypatch):
    monkeypatch.setattr("config.management.commands.subscriptions.WINDOW", 1)
    assert [sub["id"] for sub in as_json("subscriptions", "--with-warnings")] == [str(stale[1].pk)]
    assert len(as_json("subscriptions", "--stale")) == 2


# --- revalidate -------------------------------------------------------------------------------
def test_revalidating_checks_the_payloads_against_the_present_contract(stale, active_model):
    EventSubscription.objects.update(warnings=[], has_warnings=False)
    run = as_json("revalidate", active_model.pk, "inference", "--wait")
    assert (run["status"], run["version"]) == ("success", "2")
    assert (run["total"], run["checked"], run["invalid"]) == (2, 2, 1)
    assert EventSubscription.objects.get(pk=stale[1].pk).has_warnings


def test_without_waiting_it_is_left_to_the_workers_and_a_newer_run_supersedes_it(stale):
    first = as_json("revalidate", examples.MODEL_ID, "inference")
    assert first["status"] == "pending"
    second = as_json("revalidate", examples.MODEL_ID, "inference")
    assert Revalidation.objects.get(pk=first["id"]).status == RevalidationStatus.SUPERSEDED
    assert Revalidation.objects.get(pk=second["id"]).due_at is not None


def test_a_run_over_no_contract_clears_the_warnings(active_model):
    sub = make_subscription(active_model.pk, active_model.pk)
    EventSubscription.objects.update(warnings=["old"], has_warnings=True)
    assert "1 of 1" in printed("revalidate", active_model.pk, "inference", "--wait")
    assert not EventSubscription.objects.get(pk=sub.pk).has_warnings


def test_waiting_for_a_run_that_is_superseded_fails(stale, monkeypatch):
    def superseded(run_id: Any, **_: Any) -> bool:
        revalidate_again(model_id=examples.MODEL_ID, action="inference")
        return False

    monkeypatch.setattr("config.management.commands.revalidate.work_through", superseded)
    error = refused("revalidate", examples.MODEL_ID, "inference", "--wait")
    assert (str(error), error.returncode) == ("The run ended as superseded.", 1)


# --- accept -----------------------------------------------------------------------------------
def test_accepting_says_what_was_accepted_and_what_was_not(stale, active_model):
    shown = printed("accept", active_model.pk)
    assert [line.split()[-1] for line in shown.splitlines()[:1]] == ["1"]
    assert "Still stale: payload does not fit  1" in shown
    assert f"subscriptions --stale --model {active_model.pk}" in shown
    assert as_json("accept", active_model.pk, "--all")["accepted"] == 1
    assert as_json("subscriptions", "--stale") == []


def test_accepting_while_payloads_are_checked_is_refused(stale, active_model, monkeypatch):
    monkeypatch.setattr(accepting, "WAIT_SECONDS", 0.0)
    revalidate_again(model_id=active_model.pk, action="inference")
    error = refused("accept", active_model.pk)
    assert (error.returncode, "still being checked" in str(error)) == (1, True)


# --- Refusals ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "nowhere"),
        ("jobs", "--model", "nowhere"),
        ("subscriptions", "--model", "nowhere"),
        ("revalidate", "nowhere", "training"),
        ("accept", "nowhere"),
    ],
)
def test_what_is_not_there_is_status_1(arguments):
    error = refused(*arguments)
    assert (str(error), error.returncode) == ("There is no model with this id.", 1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("models", "--limit", "0"), "--limit"),
        (("models", "--limit", "1001"), "--limit"),
        (("jobs", "--limit", "٣"), "--limit"),
        (("models", "--status", "failed"), "--status"),
        (("jobs", "--type", "both"), "--type"),
        (("subscriptions", "--stale", "--status", "active"), "--status"),
        (("revalidate", "m", "learning"), "action"),
        (("accept",), "MODEL"),
    ],
)
def test_bad_arguments_are_named(arguments, named):
    assert named in str(refused(*arguments))
