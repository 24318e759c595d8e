"""Firing with other things going on at the same time, on PostgreSQL with real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.models.deletion import Collector

from models_registry.errors import DomainError
from models_registry.models import Job, Model
from models_registry.services.completion import complete_job
from models_registry.services.jobs import request_inference
from models_registry.services.models import delete_model
from subscriptions import wakeups
from subscriptions.models import EventSubscription, Trigger
from subscriptions.services.subscribing import unsubscribe, update_subscription
from tests.subscriptions.conftest import finish, link, run, update

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}


@pytest.fixture
def subscription(make_model) -> EventSubscription:
    make_model("a")
    make_model("b")
    return link("a", "b", input={})


@contextmanager
def at_once(*functions: Callable[[], Any]) -> Iterator[list[Future[Any]]]:
    """Run functions in threads, each with a connection of its own, begun together."""
    begin = threading.Barrier(len(functions))

    def run_one(function: Callable[[], Any]) -> Any:
        begin.wait(10)
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        yield [pool.submit(run_one, function) for function in functions]


def _requested() -> Job:
    return request_inference(model_id="a", version="1", input={})


def _pause(subscription: EventSubscription) -> None:
    update_subscription(
        source_id="a", subscription_id=subscription.pk, changes={"status": "paused"}
    )


def _assert_answer_and_rows_agree(job: Job) -> None:
    """Each entry of the answer is a trigger with that job, and there are no others."""
    rows = {
        (str(trigger.subscription_id), str(trigger.job_id))
        for trigger in Trigger.objects.filter(event=f"job:{job.pk}")
    }
    assert {(one["subscription_id"], one["job_id"]) for one in job.triggered_events} == rows
    assert Job.objects.filter(triggered_by_job_id=job.pk).count() == len(rows)


def test_two_completions_of_one_job_at_once_fire_once_and_get_one_answer(subscription):
    for _ in range(10):
        job = _requested()
        with at_once(lambda job=job: finish(job), lambda job=job: finish(job)) as both:
            first, second = (done.result(20) for done in both)

        assert first.triggered_events == second.triggered_events
        assert len(first.triggered_events) == 1
        _assert_answer_and_rows_agree(first)


def test_of_a_success_and_a_failure_at_once_one_counts_and_only_a_success_fires(subscription):
    for _ in range(10):
        job = _requested()
        with at_once(lambda job=job: finish(job), lambda job=job: _fail(job)) as both:
            refused = [done.exception(20) for done in both]

        assert sorted(type(error).__name__ for error in refused) == [
            "JobAlreadyFinished",
            "NoneType",
        ]
        job.refresh_from_db()
        fired = Trigger.objects.filter(event=f"job:{job.pk}").count()
        assert fired == (1 if job.status == "success" else 0)
        assert job.status == ("success" if refused[0] is None else "failure")


def _fail(job: Job) -> Job:
    return complete_job(
        model_id="a",
        version="1",
        job_id=job.pk,
        status="failure",
        output=None,
        error={"message": "no"},
    )


def test_completion_against_pause_fires_once_or_not_at_all_and_never_afterwards(subscription):
    for _ in range(20):
        update_subscription(
            source_id="a", subscription_id=subscription.pk, changes={"status": "active"}
        )
        job = _requested()
        with at_once(lambda job=job: finish(job), lambda: _pause(subscription)) as (done, paused):
            finished = done.result(20)
            paused.result(20)

        _assert_answer_and_rows_agree(finished)
        assert len(finished.triggered_events) <= 1
        assert run("a").triggered_events == []


def test_update_against_fire_fires_before_the_change_or_not_at_all(make_model):
    make_model("a")
    for number in range(15):
        target = f"b{number}"
        make_model(target)
        link("a", target, input={})
        job = _requested()
        with at_once(
            lambda job=job: finish(job), lambda target=target: update(target, NEEDS_X)
        ) as (done, updated):
            finished = done.result(20)
            updated.result(20)

        _assert_answer_and_rows_agree(finished)
        # What fired is of the version that was current, under the contract that was accepted.
        for triggered in Job.objects.filter(triggered_by_job_id=job.pk, model_id=target):
            assert triggered.version.version == "1"
        assert run("a").triggered_events == []
        assert EventSubscription.objects.with_status().filter(effective_status="stale").exists()


def test_a_firing_under_an_update_that_is_not_committed_yet_does_not_wait_for_it(
    subscription, monkeypatch
):
    is_there, may_go_on = threading.Event(), threading.Event()

    def wait(_: Any) -> None:
        is_there.set()
        assert may_go_on.wait(10)

    monkeypatch.setattr(wakeups, "wake_reporter", wait)
    with at_once(lambda: update("b", NEEDS_X)) as (updated,):
        assert is_there.wait(10)
        before = run("a")
        may_go_on.set()
        updated.result(20)

    assert len(before.triggered_events) == 1
    assert run("a").triggered_events == []


def test_a_subscription_that_fires_under_its_deletion_is_deleted_with_its_triggers(
    subscription, monkeypatch
):
    """The deletion finds a trigger that it did not know of, and is run again."""
    answers = []
    delete = Collector.delete

    def fire_and_delete(collected: Collector) -> Any:
        if not answers:
            with at_once(lambda: run("a")) as (fired,):
                answers.append(fired.result(20).triggered_events)
        return delete(collected)

    monkeypatch.setattr(Collector, "delete", fire_and_delete)
    unsubscribe(source_id="a", subscription_id=subscription.pk)

    assert len(answers[0]) == 1
    assert not EventSubscription.objects.exists()
    assert not Trigger.objects.exists()
    assert Job.objects.filter(triggered_by_job_id__isnull=False).count() == 1


def test_a_model_with_a_subscription_on_itself_is_deleted_before_or_after_its_firing(make_model):
    for _ in range(10):
        make_model("a")
        link("a", "a", trigger_event="training_complete")
        job = _requested()
        with at_once(lambda job=job: finish(job), lambda: _delete("a")) as (done, deleted):
            done.result(20)
            deleted.result(20)
        _delete("a")
        if Model.objects.filter(pk="a").exists():  # its triggered job is waiting
            Job.objects.all().delete()
            _delete("a")


def _delete(model_id: str) -> None:
    try:
        delete_model(model_id=model_id)
    except DomainError:
        return
