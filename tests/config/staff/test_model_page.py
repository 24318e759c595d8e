"""A model's page and the comparison of two of its versions."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest.mock import ANY

from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from config.staff.comparison import LINES_LIMIT, Line, side_by_side
from config.staff.links import act_url, page_url
from models_registry.models import Job, Model
from tests import examples
from tests.config.staff.rows import end
from tests.factories import ask_training, change_model, make_active_model, make_subscription

OLD = {"type": "object", "properties": {"a": {"type": "integer"}}}
NEW = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]}
MINUTE = timedelta(minutes=1)
COMPARE = "/admin/models_registry/model/first/compare/"


def taking(schema: dict[str, object]) -> dict[str, object]:
    return {"inference": {"input_schema": schema}}


def test_the_page_shows_versions_subscriptions_and_jobs_with_their_numbers(staff, db):
    make_active_model("first")
    make_active_model("second")
    change_model("first", handler_contracts=taking(NEW))
    make_subscription("first", "second", trigger_event="training_complete")
    job = ask_training("first")

    page = staff.get(page_url(Model.objects.get(pk="first")))

    shown = page.context
    assert [each["version"].version for each in shown["timeline"]["versions"]] == ["2", "1"]
    assert [each["is_current"] for each in shown["timeline"]["versions"]] == [False, True]
    assert [each["count"] for each in shown["subscription_lists"]] == [0, 1]
    assert shown["jobs"]["rows"][0] == job
    for part in (*shown["subscription_lists"], shown["jobs"]):
        assert staff.get(part["url"]).context["cl"].found == part["count"], part["title"]


def test_a_version_says_how_long_its_training_took(staff, db):
    make_active_model("first")
    job = ask_training("first")
    end(job, status="success", output={})
    ended = Job.objects.get(pk=job.pk).completed_at
    Job.objects.filter(pk=job.pk).update(started_at=ended.replace(microsecond=0))

    assert re.fullmatch(r"trained in .+ s, current for .+ s", durations(staff)[0])


def test_a_version_says_how_long_its_training_waits_runs_or_ran_until_it_failed(staff, db):
    make_active_model("first")
    for _ in range(3):
        change_model("first")
    waits, runs, fails = Job.objects.filter(model="first").order_by("-id")
    begun = timezone.now() - timedelta(minutes=3)
    Job.objects.filter(pk=waits.pk).update(created_at=begun)
    Job.objects.filter(pk=runs.pk).update(status="started", started_at=begun)
    end(fails, status="failure", error={"code": "x", "message": "y"})
    Job.objects.filter(pk=fails.pk).update(started_at=begun, completed_at=begun + MINUTE)

    assert [
        said[: -len(" 0 s")] if said.endswith(" 0 s") else said for said in durations(staff)
    ] == [
        "training pending for 3 min",
        "training for 3 min",
        "training failed after 1 min",
        ANY,
    ]


def test_the_newest_training_of_a_version_is_found_whatever_its_status(staff, db):
    """Looking for the newest success would read all trainings of a version that never had one."""
    make_active_model("first")
    end(ask_training("first"), status="success", output={})
    ask_training("first")

    assert durations(staff)[0].startswith("training pending for ")


def test_a_failed_job_is_retried_and_a_waiting_one_cancelled_from_the_models_page(staff, db):
    make_active_model("first")
    failed, waiting = ask_training("first"), ask_training("first")
    end(failed, status="failure", error={"code": "no_data", "message": "Nothing there"})

    page = staff.get(page_url(Model.objects.get(pk="first"))).content.decode()

    assert act_url(failed, "retry") in page
    assert act_url(waiting, "cancel") in page
    assert act_url(waiting, "retry") not in page
    assert "Nothing there (no_data)" in page


def test_all_that_run_a_model_are_accepted_from_its_page(staff, db):
    make_active_model("first")
    make_subscription("first", make_active_model("second").pk, trigger_event="training_complete")

    models = [Model.objects.get(pk=name) for name in ("first", "second")]
    first, second = (staff.get(page_url(model)).content.decode() for model in models)

    assert "/act/accept/" not in first
    assert act_url(models[1], "accept") in second


def test_a_models_page_leads_to_its_audit_log(staff, active_model):
    make_active_model("other")

    url = staff.get(page_url(active_model)).context["audit_url"]

    rows = staff.get(url).context["cl"].result_list
    assert {entry.model_id for entry in rows} == {active_model.pk}


def test_who_may_see_models_alone_sees_no_jobs_subscriptions_or_log_of_one(log_in, active_model):
    ask_training(active_model.pk)
    make_subscription(active_model.pk, active_model.pk, trigger_event="training_complete")
    client = log_in("viewers")
    allowed = Group.objects.get(name="Modelpact viewers").permissions
    allowed.set(Permission.objects.filter(codename__in=["view_model", "view_modelversion"]))

    for row in (active_model, active_model.current_version):
        page = client.get(page_url(row)).content.decode()
        assert [
            word for word in ("/job/", "/eventsubscription/", "/auditentry/") if word in page
        ] == []


def durations(staff: Client) -> list[str]:
    """What the page of the model "first" says of its versions, newest first."""
    page = staff.get(page_url(Model.objects.get(pk="first")))
    return [entry["durations"] for entry in page.context["timeline"]["versions"]]


def test_of_many_versions_the_newest_are_shown_and_the_others_counted(staff, db):
    make_active_model("first")
    for _ in range(26):
        change_model("first")

    timeline = staff.get(page_url(Model.objects.get(pk="first"))).context["timeline"]

    assert (len(timeline["versions"]), timeline["hidden"]) == (25, 2)
    assert staff.get(timeline["url"]).context["cl"].found == 27


def test_two_versions_are_compared_change_by_change_and_line_by_line(staff, db):
    make_active_model("first", handler_contracts=taking(OLD))
    change_model("first", handler_contracts=taking(NEW))

    page = staff.get(COMPARE, {"old": "1", "new": "2"})

    part = page.context["parts"][2]
    assert (part["title"], part["verdict"]) == ("Inference input", "incompatible")
    assert {change["kind"] for change in part["changes"]} == {"bound_added", "now_required"}
    text = page.content.decode()
    assert "The smallest number is now 3." in text
    assert '<td class="mp-good">' in text


def test_handlers_and_metadata_are_compared_too(staff, db):
    make_active_model("first", metadata={"team": "a"})
    handlers = examples.update_model()["handlers"]
    change_model("first", metadata={"team": "b"}, handlers=handlers)

    handled, told = staff.get(COMPARE, {"old": "1", "new": "2"}).context["parts"][4:]

    assert (handled["title"], handled["is_same"]) == ("Handlers", False)
    assert any(
        "train-model" in line.right and line.right_tone == "good" for line in handled["lines"]
    )
    assert ('    "team": "a"', '    "team": "b"') in [line[:2] for line in told["lines"]]


def test_it_says_which_version_takes_the_example_and_which_refuses_it(staff, db):
    contracts = [
        {"inference": {f"{way}_schema": each for way in ("input", "output")}} for each in (OLD, NEW)
    ]
    make_active_model("first", handler_contracts=contracts[0])
    change_model("first", handler_contracts=contracts[1])

    narrowed = staff.get(COMPARE, {"old": "1", "new": "2"}).content.decode()
    widened = staff.get(COMPARE, {"old": "2", "new": "1"}).content.decode()

    assert narrowed.count("fits version 1 but not version 2") == 1
    assert widened.count("fits version 1 but not version 2") == 1


def test_without_a_choice_the_two_newest_are_proposed_and_nothing_is_compared(staff, db):
    make_active_model("first")
    change_model("first")

    page = staff.get(COMPARE)

    assert (page.context["chosen_old"], page.context["chosen_new"]) == ("1", "2")
    assert page.context["parts"] == []
    assert "There is no version 7." in staff.get(COMPARE, {"old": "1", "new": "7"}).content.decode()


def test_lines_stand_beside_those_that_they_replace():
    assert side_by_side({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == [
        Line("{", "{"),
        Line('  "a": 1,', '  "a": 1,'),
        Line('  "b": 2', '  "b": 3,', "bad", "good"),
        Line("", '  "c": 4', "", "good"),
        Line("}", "}"),
    ]


def test_what_is_too_long_is_not_compared_line_by_line():
    assert side_by_side(list(range(LINES_LIMIT + 1)), []) == []


def test_a_comma_that_only_follows_from_the_next_line_is_no_difference():
    assert side_by_side(["a"], ["a", "b"])[1:3] == [
        Line('  "a"', '  "a",'),
        Line("", '  "b"', "", "good"),
    ]
