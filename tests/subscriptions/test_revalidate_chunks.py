"""Revalidation in chunks, shared by several workers, some of which die."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_registry.models import Model
from subscriptions.models import EventSubscription, Revalidation
from subscriptions.revalidation import payloads, runs
from subscriptions.revalidation.chunks import claim_chunk, record_findings
from subscriptions.services.subscribing import unsubscribe, update_subscription
from tests.subscriptions.conftest import link, update
from tests.subscriptions.runs import (
    MISSING_X,
    NEEDS_X,
    counts_of,
    lapse,
    latest_run,
    warnings_of,
    worked_off,
)

pytestmark = pytest.mark.django_db


def test_a_run_is_done_chunk_by_chunk_and_each_payload_is_counted_once(b, small_chunks):
    for number in range(7):
        link("a", "b", input={"x": 1} if number % 3 else {})
    update("b", NEEDS_X)

    assert counts_of(worked_off()) == ("success", 7, 7, 3)


def test_progress_is_visible_while_it_runs(b, small_chunks):
    for _ in range(5):
        link("a", "b", input={})
    update("b", NEEDS_X)
    run = latest_run()
    assert runs.work_through(run.pk, seconds=0), "time is over at once"
    assert counts_of(latest_run()) == ("pending", 5, 0, 0)

    examiner = payloads.Examiner(run)
    chunk = claim_chunk(run.pk)
    record_findings(chunk, examiner.examine(chunk), time_is_up=False)
    assert counts_of(latest_run()) == ("running", 5, 2, 2)


def test_two_workers_never_get_the_same_chunk(b, small_chunks):
    for _ in range(4):
        link("a", "b", input={})
    update("b", NEEDS_X)
    first, second = claim_chunk(latest_run().pk), claim_chunk(latest_run().pk)

    assert first is not None
    assert second is not None
    assert second.after == first.until
    assert claim_chunk(latest_run().pk) is None, "other workers have claimed the rest"
    assert latest_run().status == "running"


def test_the_run_ends_with_whichever_chunk_is_done_last(b, small_chunks):
    for _ in range(4):
        link("a", "b", input={})
    update("b", NEEDS_X)
    run = latest_run()
    examiner = payloads.Examiner(run)
    chunks = [claim_chunk(run.pk), claim_chunk(run.pk)]
    for chunk in reversed(chunks):
        assert latest_run().status == "running"
        assert record_findings(chunk, examiner.examine(chunk), time_is_up=False) is None
    assert claim_chunk(run.pk) is None

    assert counts_of(latest_run()) == ("success", 4, 4, 4)


def test_the_chunk_of_a_worker_that_died_is_taken_again_and_counted_once(b, small_chunks):
    """F4: recovery by our lease, not by the broker."""
    for _ in range(3):
        link("a", "b", input={})
    update("b", NEEDS_X)
    run = latest_run()
    dead = claim_chunk(run.pk)
    assert not runs.work_through(run.pk)
    assert counts_of(latest_run()) == ("running", 3, 1, 1), "it waits for the chunk's lease"
    lapse()
    runs.work_through(run.pk)
    assert counts_of(latest_run()) == ("success", 3, 3, 3)

    assert record_findings(dead, payloads.Examiner(run).examine(dead), time_is_up=False) is None
    assert counts_of(latest_run()) == ("success", 3, 3, 3)


def test_a_chunk_that_is_much_work_is_recorded_in_parts(b, monkeypatch):
    """Below the lease and the statement's time limit, however large the payloads."""
    monkeypatch.setattr(payloads, "EXAMINE_SECONDS", -1.0)
    subscriptions = [link("a", "b", input={}) for _ in range(3)]
    update("b", NEEDS_X)
    run = latest_run()
    examiner = payloads.Examiner(run)
    chunk = claim_chunk(run.pk)
    rest = record_findings(chunk, examiner.examine(chunk), time_is_up=False)

    assert (rest.after, rest.until) == (subscriptions[0].pk, subscriptions[2].pk)
    assert counts_of(latest_run()) == ("running", None, 1, 1)
    assert record_findings(rest, examiner.examine(rest), time_is_up=True) is None
    assert counts_of(worked_off()) == ("success", 3, 3, 3), (
        "whoever comes next takes the rest at once"
    )


def test_warnings_that_fill_the_memory_are_written_before_the_rest_is_read(b, monkeypatch):
    monkeypatch.setattr(payloads, "CHANGES_BYTES", 10)
    for _ in range(3):
        link("a", "b", input={})
    update("b", NEEDS_X)
    chunk = claim_chunk(latest_run().pk)

    assert payloads.Examiner(latest_run()).examine(chunk).checked == 1


@pytest.mark.parametrize("change", [{"input": {"x": 1}}, {"input": {"y": 1}}])
def test_an_edit_of_the_payload_after_it_was_read_wins(b, change):
    subscription = link("a", "b", input={})
    update("b", NEEDS_X)
    run = latest_run()
    chunk = claim_chunk(run.pk)
    findings = payloads.Examiner(run).examine(chunk)
    update_subscription(source_id="a", subscription_id=subscription.pk, changes=change)
    record_findings(chunk, findings, time_is_up=False)

    assert warnings_of(subscription) == ([] if "x" in change["input"] else MISSING_X)
    assert counts_of(latest_run()) == ("success", 1, 1, 1)


def test_subscriptions_may_come_and_go_while_a_run_is_on(b, small_chunks):
    gone = [link("a", "b", input={}) for _ in range(4)]
    update("b", NEEDS_X)
    run = latest_run()
    runs.work_through(run.pk, seconds=0)
    chunk = claim_chunk(run.pk)
    record_findings(chunk, payloads.Examiner(run).examine(chunk), time_is_up=False)
    for subscription in gone[1:]:
        unsubscribe(source_id="a", subscription_id=subscription.pk)
    new = link("a", "b", input={})

    assert counts_of(worked_off()) == ("success", 3, 3, 3)
    assert warnings_of(new) == MISSING_X


def test_a_run_whose_model_is_deleted_is_over(b):
    from models_registry.services.models import delete_model

    subscription = link("a", "b", input={})
    update("b", NEEDS_X)
    run = latest_run()
    chunk = claim_chunk(run.pk)
    findings = payloads.Examiner(run).examine(chunk)
    unsubscribe(source_id="a", subscription_id=subscription.pk)
    from models_registry.models import Job

    Job.objects.all().delete()
    delete_model(model_id="b")

    assert record_findings(chunk, findings, time_is_up=False) is None
    assert not runs.work_through(run.pk)


class Workers:
    """Workers of one run that take chunks, record them, die, or come too late."""

    def __init__(self, run: Revalidation, subscriptions: list[EventSubscription]) -> None:
        self._run, self._subscriptions = run, subscriptions
        self._examiner = payloads.Examiner(run)
        self._claimed: list[Any] = []

    def claim(self) -> None:
        if chunk := claim_chunk(self._run.pk):
            self._claimed.append((chunk, self._examiner.examine(chunk)))

    def record(self) -> None:
        if self._claimed:
            record_findings(*self._claimed.pop(0), time_is_up=False)

    def die(self) -> None:
        self._claimed = self._claimed[:-1]

    def lapse(self) -> None:
        lapse()

    def edit(self) -> None:
        for subscription in self._subscriptions[:1]:
            update_subscription(
                source_id="a", subscription_id=subscription.pk, changes={"label": "edited"}
            )

    def finish(self) -> None:
        lapse()
        runs.work_through(self._run.pk)
        for chunk, findings in self._claimed:
            record_findings(chunk, findings, time_is_up=False)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.booleans(), max_size=12),
    st.lists(st.sampled_from(["claim", "record", "die", "edit", "lapse"]), max_size=30),
)
def test_counts_add_up_whatever_is_killed_retried_or_edited(
    make_model, small_chunks, fitting, steps
):
    EventSubscription.objects.all().delete()
    Revalidation.objects.all().delete()
    Model.objects.all().delete()
    make_model("a")
    make_model("b")
    made = [link("a", "b", input={"x": 1} if fits else {}) for fits in fitting]
    update("b", NEEDS_X)
    run = latest_run()
    workers = Workers(run, made)
    for step in steps:
        getattr(workers, step)()
        run.refresh_from_db()
        assert run.invalid <= run.checked <= len(fitting)
    workers.finish()

    assert counts_of(latest_run()) == ("success", len(fitting), len(fitting), fitting.count(False))
    for subscription, fits in zip(made, fitting, strict=True):
        assert warnings_of(subscription) == ([] if fits else MISSING_X)
