"""Revalidation with other things going on at the same time, on PostgreSQL with real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from models_registry.models import Model
from subscriptions.models import EventSubscription, Revalidation
from subscriptions.revalidation import chunks, runs
from subscriptions.services.accepting import accept_incoming
from subscriptions.services.subscribing import stored_warnings, update_subscription
from tests.subscriptions.conftest import link, update
from tests.waiting import eventually

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}
NEEDS_Y = {"inference": {"input_schema": {"required": ["y"]}}}


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 5)


def _start(pool: ThreadPoolExecutor, function: Callable[..., Any], *args: Any) -> Future[Any]:
    def run() -> Any:
        try:
            return function(*args)
        finally:
            connection.close()

    return pool.submit(run)


def _put(subscription: EventSubscription, precondition: Any = None, **changes: Any) -> None:
    update_subscription(
        source_id="a",
        subscription_id=subscription.pk,
        changes=changes,
        precondition=precondition,
    )


def _finish() -> Revalidation:
    run = Revalidation.objects.latest("created_at")
    runs.work_through(run.pk)
    run.refresh_from_db()
    return run


def _assert_warnings_are_of_the_present_contract() -> None:
    for subscription in EventSubscription.objects.select_related("target"):
        assert subscription.warnings == stored_warnings(subscription)
        assert subscription.has_warnings == bool(subscription.warnings)


def _is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("change", [{"input": {"y": 1}}, {"status": "active"}])
def test_an_edit_under_way_when_the_contract_changes_is_checked_against_the_new_one(b, change):
    """Its warnings are of the contract it loaded; the revalidation must come after it."""
    subscription = link("a", "b", input={"y": 1})
    loaded, may_go_on = threading.Event(), threading.Event()

    def wait(_: EventSubscription) -> None:
        loaded.set()
        assert may_go_on.wait(10)

    with ThreadPoolExecutor(2) as pool:
        edit = _start(pool, lambda: _put(subscription, wait, **change))
        assert loaded.wait(10)
        changed = _start(pool, update, "b", NEEDS_X)
        eventually(_is_waiting_for_a_lock)
        may_go_on.set()
        edit.result(10)
        changed.result(10)
    _finish()

    assert EventSubscription.objects.get().warnings
    _assert_warnings_are_of_the_present_contract()


def test_a_subscription_made_while_the_contract_changes_has_warnings_of_the_new_one(b, monkeypatch):
    from subscriptions.services import subscribing

    loaded, may_go_on = threading.Event(), threading.Event()
    hold = subscribing.hold_model

    def wait_and_hold(model_id: str) -> Model:
        loaded.set()
        assert may_go_on.wait(10)
        return hold(model_id)

    monkeypatch.setattr(subscribing, "hold_model", wait_and_hold)
    with ThreadPoolExecutor(1) as pool:
        made = _start(pool, lambda: link("a", "b", input={}))
        assert loaded.wait(10)
        update("b", NEEDS_X)
        assert _finish().total == 0
        may_go_on.set()
        made.result(10)

    assert EventSubscription.objects.get().warnings
    _assert_warnings_are_of_the_present_contract()


def test_payloads_may_be_edited_while_they_are_revalidated(b, small_chunks):
    subscriptions = [link("a", "b", input={}) for _ in range(30)]
    update("b", NEEDS_X)

    def edit() -> None:
        for number, subscription in enumerate(subscriptions):
            _put(subscription, **({"input": {"x": 1}} if number % 3 else {"label": "edited"}))

    with ThreadPoolExecutor(2) as pool:
        editing = _start(pool, edit)
        run = _start(pool, _finish).result(60)
        editing.result(60)

    assert (run.status, run.checked, run.total) == ("success", 30, 30)
    _assert_warnings_are_of_the_present_contract()


def test_two_workers_share_a_run_and_each_payload_is_counted_once(b, small_chunks, monkeypatch):
    for number in range(60):
        link("a", "b", input={"x": 1} if number % 4 else {})
    update("b", NEEDS_X)
    run_id = Revalidation.objects.get().pk
    workers = set()
    both = threading.Barrier(2)
    claim = runs.claim_chunk

    def claim_together(run_id: Any) -> Any:
        if threading.get_ident() not in workers:
            workers.add(threading.get_ident())
            both.wait(10)
        return claim(run_id)

    monkeypatch.setattr(runs, "claim_chunk", claim_together)
    with ThreadPoolExecutor(2) as pool:
        for worker in [_start(pool, runs.work_through, run_id) for _ in range(2)]:
            assert worker.result(60) is False

    run = Revalidation.objects.get()
    assert (run.status, run.total, run.checked, run.invalid) == ("success", 60, 60, 15)
    assert len(workers) == 2
    assert not run.chunks.exists()
    _assert_warnings_are_of_the_present_contract()


def test_a_contract_that_changes_while_a_run_is_on_has_the_last_word(b, small_chunks):
    for number in range(30):
        link("a", "b", input={"x": 1} if number % 2 else {"y": 1})
    update("b", NEEDS_X)
    first = Revalidation.objects.get()
    with ThreadPoolExecutor(2) as pool:
        working = [_start(pool, runs.work_through, first.pk) for _ in range(2)]
        eventually(lambda: Revalidation.objects.filter(checked__gt=0).exists())
        update("b", NEEDS_Y)
        for worker in working:
            worker.result(60)

    first.refresh_from_db()
    assert first.status in {"superseded", "success"}
    assert _finish().invalid == 15
    _assert_warnings_are_of_the_present_contract()


def test_accepting_and_changing_at_once_leaves_nothing_active_that_does_not_fit(b, small_chunks):
    for number in range(40):
        link("a", "b", input={"x": 1} if number % 2 else {"y": 1})
    update("b", NEEDS_X)
    with ThreadPoolExecutor(2) as pool:
        accept = _start(pool, lambda: accept_incoming(model_id="b", only_valid=True))
        update("b", NEEDS_Y)
        outcome = accept.result(60)

    assert outcome.accepted == 20
    _finish()
    active = EventSubscription.objects.with_status().filter(effective_status="active")
    assert all("y" in subscription.input for subscription in active)
    _assert_warnings_are_of_the_present_contract()
