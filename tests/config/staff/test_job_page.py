"""A job's page: all of the job, what set it off, and what it set off in turn, within bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.staff import job_page
from config.staff.links import act_url, page_url
from models_registry.models import Job, Model
from models_registry.services.reruns import retry_job
from subscriptions.models import Trigger
from tests.config.staff.rows import end
from tests.factories import ask_inference, make_active_model, make_subscription

pytestmark = pytest.mark.django_db


def run_chain(length: int) -> list[Job]:
    """Run a chain of so many models, each set off by the one before; return the jobs."""
    names = [f"m{number:02}" for number in range(length)]
    for name in names:
        make_active_model(name)
    for source, target in pairwise(names):
        make_subscription(source, target, trigger_event="inference_complete")
    jobs = [ask_inference(names[0])]
    for name in names[1:]:
        end(jobs[-1], status="success", output={"of": jobs[-1].model_id})
        jobs.append(Job.objects.get(model_id=name))
    return jobs


def test_it_shows_input_outcome_and_warnings(staff, active_model):
    job = ask_inference(origin="Adelaide")
    Job.objects.filter(pk=job.pk).update(warnings=["input/n: expected a number"], attempts=3)
    end(Job.objects.get(pk=job.pk), status="failure", error={"code": "boom", "message": "Broken"})

    page = staff.get(page_url(job)).content.decode()

    for shown in ("Adelaide", "expected a number", "boom", "Broken", "<dd>3</dd>"):
        assert shown in page


def test_a_repetition_names_the_job_that_it_repeats(staff, active_model):
    failed = ask_inference()
    end(failed, status="failure", error={"code": "x", "message": "x"})
    again = retry_job(job_id=failed.pk)

    assert page_url(failed) in staff.get(page_url(again)).content.decode()
    Job.objects.filter(pk=failed.pk).delete()
    assert "(deleted)" in staff.get(page_url(again)).content.decode()


def test_the_chain_is_shown_to_both_sides(staff, db):
    first, middle, last = run_chain(3)

    context = staff.get(page_url(middle)).context
    assert [entry["job"] for entry in context["above"]] == [first]
    assert [entry["job"] for entry in context["below"]] == [last]
    (entry,) = staff.get(page_url(first)).context["below"]
    assert [below["job"] for below in entry["below"]] == [last]


def test_a_trigger_without_a_job_says_why(staff, db):
    make_active_model("first")
    make_active_model("second")
    make_subscription("first", "second", trigger_event="inference_complete")
    Model.objects.filter(pk="second").update(current_version=None)
    job = ask_inference("first")
    end(job, status="success", output={})

    error = Trigger.objects.get().error
    assert error
    assert error in staff.get(page_url(job)).context["below"][0]["trigger"].error


def test_a_long_chain_is_cut_on_both_sides_and_asks_no_more(staff, db, monkeypatch):
    monkeypatch.setattr(job_page, "LEVELS", 2)
    jobs = run_chain(6)

    def asked(job: Job) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(page_url(job)).status_code == 200
        return len(queries)

    above = staff.get(page_url(jobs[-1])).context["above"]
    assert above[0] == {"is_more": True}
    assert [entry["job"] for entry in above[1:]] == jobs[3:5]
    assert asked(jobs[3]) <= 14


def test_a_wide_tree_is_cut(staff, db, monkeypatch):
    monkeypatch.setattr(job_page, "WIDTH", 2)
    make_active_model("first")
    for name in ("a", "b", "c", "d"):
        make_active_model(name)
        make_subscription("first", name, trigger_event="inference_complete")
    job = ask_inference("first")
    end(job, status="success", output={})

    below = staff.get(page_url(job)).context["below"]
    assert len(below) == 3
    assert below[-1] == {"is_more": True}


def test_what_changes_can_be_asked_for_until_all_has_ended(staff, db):
    first, second = run_chain(2)
    address = page_url(first).replace("change", "state")

    assert "data-running" in staff.get(address).content.decode()
    end(second, status="success", output={})
    answer = staff.get(address).content.decode()
    assert "data-running" not in answer
    assert "<html" not in answer


def test_warnings_and_what_can_be_done_are_told_anew_while_it_runs(staff, active_model):
    job = ask_inference()
    address = page_url(job).replace("change", "state")
    assert act_url(job, "cancel") in staff.get(address).content.decode()

    end(job, status="failure", error={"code": "x", "message": "y"})
    Job.objects.filter(pk=job.pk).update(warnings=["output: too small"])

    answer = staff.get(address).content.decode()
    assert act_url(job, "retry") in answer
    assert act_url(job, "cancel") not in answer
    assert "output: too small" in answer


def test_it_takes_the_right_to_see_jobs(log_in, client, active_model):
    address = page_url(ask_inference()).replace("change", "state")
    viewer = log_in("viewers")

    assert viewer.get(address).status_code == 200
    viewer.get(address).wsgi_request.user.groups.clear()
    assert viewer.get(address).status_code == 403
    assert client.get(address).status_code == 302
