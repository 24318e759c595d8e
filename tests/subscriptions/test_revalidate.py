"""Revalidation: stored payloads checked again, in the background, after a contract changed."""

from __future__ import annotations

from uuid import UUID

import pytest

from subscriptions.models import Revalidation, RevalidationChunk
from subscriptions.revalidation import chunks, payloads, runs
from subscriptions.revalidation.chunks import claim_chunk, record_findings
from tests.subscriptions.conftest import link, update
from tests.subscriptions.runs import (
    MISSING_X,
    NEEDS_X,
    NEEDS_Y,
    counts_of,
    latest_run,
    warnings_of,
    worked_off,
)

pytestmark = pytest.mark.django_db


def test_payloads_that_no_longer_fit_get_warnings_and_the_others_none(b):
    """ "Stored payloads for that action are revalidated asynchronously." """
    fits, fails = link("a", "b", input={"x": 1}), link("a", "b", input={})
    update("b", NEEDS_X)
    assert warnings_of(fails) == [], "nothing is checked in the update itself"

    run = worked_off()

    assert counts_of(run) == ("success", 2, 2, 1)
    assert (warnings_of(fits), warnings_of(fails)) == ([], MISSING_X)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.due_at is None
    assert not RevalidationChunk.objects.exists()


def test_warnings_name_the_fault_by_its_pointer_and_are_at_most_twenty(b):
    wrong = link("a", "b", input={"a/b": list(range(50))})
    update(
        "b",
        {"inference": {"input_schema": {"properties": {"a/b": {"items": {"type": "string"}}}}}},
    )
    worked_off()

    lines = warnings_of(wrong)
    assert len(lines) == 20
    assert lines[:2] == [
        'input/a~1b/0: type: expected the type "string"',
        'input/a~1b/1: type: expected the type "string"',
    ]


def test_a_line_break_in_a_name_stays_within_its_warning(b):
    wrong = [link("a", "b", input={"x\ny": number, "z": number}) for number in range(2)]
    contract = {"properties": {"x\ny": {"type": "string"}, "z": {"const": 1}}}
    update("b", {"inference": {"input_schema": contract}})
    worked_off()

    of_name = 'input/x\ny: type: expected the type "string"'
    assert [warnings_of(each) for each in wrong] == [
        [of_name, "input/z: const: expected 1"],
        [of_name],
    ]


def test_warnings_are_those_that_a_new_subscription_would_get(b):
    old = link("a", "b", input={"x": "", "y": [1, None]})
    contract = {"required": ["z"], "properties": {"x": {"minLength": 3}, "y": {"maxItems": 1}}}
    update("b", {"inference": {"input_schema": contract}})
    worked_off()

    assert warnings_of(old) == warnings_of(link("a", "b", input={"x": "", "y": [1, None]})) != []


def test_only_the_stored_payloads_of_the_changed_action_are_checked(b, make_model):
    make_model("c")
    link("a", "b", input={})
    link("a", "b", input_source="trigger_output")
    training = link("a", "b", target_action="training", input={})
    link("b", "c", input={})
    update("b", NEEDS_X)

    assert counts_of(worked_off()) == ("success", 1, 1, 1)
    assert warnings_of(training) == []


def test_a_changed_output_or_name_starts_no_run(b):
    update("b", {"inference": {"output_schema": {"required": ["x"]}}})

    assert not Revalidation.objects.exists()


def test_removing_the_schema_clears_the_warnings(b):
    link("a", "b", input={"x": 1})
    failing = link("a", "b", input={})
    update("b", NEEDS_X)
    worked_off()
    update("b", None)

    assert counts_of(worked_off()) == ("success", 2, 2, 0)
    assert warnings_of(failing) == []


def test_other_warnings_take_the_place_of_the_old_ones(b):
    failing = link("a", "b", input={})
    update("b", NEEDS_X)
    worked_off()
    update("b", NEEDS_Y)
    worked_off()

    assert warnings_of(failing) == ['input: required: the property "y" is missing']


def test_only_rows_whose_warnings_changed_are_written(b, monkeypatch):
    written: list[payloads.Change] = []
    write = payloads.write_warnings
    monkeypatch.setattr(
        chunks,
        "write_warnings",
        lambda changes: (written.extend(changes), write(changes)),
    )
    link("a", "b", input={"x": 1})
    link("a", "b", input={})
    update("b", NEEDS_X)
    worked_off()
    assert len(written) == 1

    update("b", {"inference": {"input_schema": {"required": ["x"], "minProperties": 0}}})
    assert counts_of(worked_off()) == ("success", 2, 2, 1)
    assert len(written) == 1


def test_a_run_over_nothing_succeeds(b):
    update("b", NEEDS_X)

    assert counts_of(worked_off()) == ("success", 0, 0, 0)


def test_a_newer_change_supersedes_an_open_run_and_an_ended_one_stays(b):
    link("a", "b", input={})
    for contract in (NEEDS_X, NEEDS_Y, NEEDS_X):
        update("b", contract)
    first, second, third = Revalidation.objects.order_by("pk")
    assert [first.status, second.status] == ["superseded", "superseded"]
    assert first.finished_at is not None
    assert first.due_at is None

    assert not runs.work_through(second.pk), "there is nothing left to do"
    runs.work_through(third.pk)
    update("b", NEEDS_Y)
    assert [run.status for run in Revalidation.objects.order_by("pk")] == [
        "superseded",
        "superseded",
        "success",
        "pending",
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_new_run_done", [True, False])
def test_what_a_superseded_run_found_is_dropped(b, is_new_run_done):
    subscription = link("a", "b", input={})
    update("b", NEEDS_X)
    old = latest_run()
    chunk = claim_chunk(old.pk)
    findings = payloads.Examiner(old).examine(chunk)
    update("b", NEEDS_Y)
    if is_new_run_done:
        worked_off()

    assert record_findings(chunk, findings, time_is_up=False) is None
    old.refresh_from_db()
    assert counts_of(old) == ("superseded", None, 0, 0)
    assert warnings_of(subscription) != MISSING_X


def test_training_and_inference_are_runs_of_their_own(b):
    update("b", {**NEEDS_X, "training": {"input_schema": {"required": ["t"]}}})
    update("b", {**NEEDS_X, "training": {"input_schema": {"required": ["u"]}}})

    assert latest_run(action="inference").status == "pending"
    assert Revalidation.objects.filter(action="training", status="superseded").count() == 1


# --- HTTP -------------------------------------------------------------------------------------
def test_runs_are_listed_newest_first_with_their_progress(api, b):
    """Each shows "action, total, checked, invalid, status, started and finished times"."""
    link("a", "b", input={})
    update("b", NEEDS_X)
    worked_off()
    update("b", {**NEEDS_X, "training": {"input_schema": {"required": ["t"]}}})

    newest, oldest = api.get("/v2/models/b/revalidations").body
    assert (newest["action"], newest["status"], newest["total"]) == ("training", "pending", None)
    assert newest["started_at"] is newest["finished_at"] is None
    started, finished = oldest.pop("started_at"), oldest.pop("finished_at")
    assert oldest.pop("created_at") <= started <= finished
    assert UUID(oldest.pop("id"))
    assert oldest == {
        "action": "inference",
        "version": "2",
        "status": "success",
        "total": 1,
        "checked": 1,
        "invalid": 1,
        "error": None,
    }


def test_the_runs_of_an_unknown_model_are_404(api):
    assert api.get("/v2/models/nowhere/revalidations").status == 404


def test_the_warnings_are_shown_with_the_subscription(api, b):
    failing = link("a", "b", input={})
    update("b", NEEDS_X)
    worked_off()

    shown = api.get(f"/v2/models/a/event-subscriptions/{failing.pk}").body
    assert (shown["status"], shown["warnings"]) == ("stale", MISSING_X)
