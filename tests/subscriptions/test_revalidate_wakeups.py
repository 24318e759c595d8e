"""Wake-ups of revalidation: who is woken, what a sweep finds, what is given up."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now

from subscriptions import tasks
from subscriptions.models import Revalidation, RevalidationChunk
from subscriptions.revalidation import chunks, payloads, runs
from subscriptions.revalidation.chunks import claim_chunk, count_attempt, record_findings
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


def test_an_update_wakes_a_worker_when_it_is_committed(b, django_capture_on_commit_callbacks):
    sent: list[UUID] = []
    link("a", "b", input={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subscriptions.wakeups.publish_run_wakeup", sent.append)
        with django_capture_on_commit_callbacks(execute=True):
            update("b", NEEDS_X)

    assert sent == [latest_run().pk]


def test_the_task_works_through_a_run_and_requeues_what_is_left(b, monkeypatch):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.requeue", sent.append)
    link("a", "b", input={})
    update("b", NEEDS_X)
    run_id = latest_run().pk
    monkeypatch.setattr(runs, "work_through", lambda run_id: True)
    tasks.revalidate(str(run_id))
    assert sent == [run_id]
    monkeypatch.undo()

    tasks.revalidate(str(run_id))
    assert counts_of(latest_run()) == ("success", 1, 1, 1)


def test_a_task_for_a_run_that_is_not_there_does_nothing():
    tasks.revalidate(str(uuid4()))


def test_a_large_run_wakes_more_workers(b, monkeypatch):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", sent.append)
    monkeypatch.setattr(runs, "PAYLOADS_PER_WORKER", 2)
    for _ in range(6):
        link("a", "b", input={})
    update("b", NEEDS_X)
    runs.work_through(latest_run().pk)

    assert sent == [latest_run().pk] * 3


@pytest.mark.django_db(transaction=True)
def test_a_failure_to_count_and_wake_others_is_not_lost(b, monkeypatch):
    """On PostgreSQL it happens in another thread."""

    def fail(run: Revalidation) -> int:
        raise RuntimeError

    monkeypatch.setattr(runs, "count_total", fail)
    link("a", "b", input={})
    update("b", NEEDS_X)

    with pytest.raises(RuntimeError):
        runs.work_through(latest_run().pk)


def test_the_sweep_finds_a_run_whose_message_was_lost_and_does_not_repeat_itself(b, monkeypatch):
    """F1: the message is only a wake-up; the row says what is due."""
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", sent.append)
    link("a", "b", input={})
    update("b", NEEDS_X)
    Revalidation.objects.update(due_at=Now() - timedelta(seconds=1))
    tasks.sweep_revalidations()
    tasks.sweep_revalidations()

    assert sent == [latest_run().pk]


def test_the_sweep_leaves_alone_what_is_worked_on_and_what_has_ended(b, monkeypatch):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", sent.append)
    link("a", "b", input={})
    update("b", NEEDS_X)
    claim_chunk(latest_run().pk)
    assert not any(runs.sweep().values())

    lapse()
    worked_off()
    assert not any(runs.sweep().values())
    assert sent == []


def _leave() -> None:
    """Let the time of a lease go by in which nobody works on anything."""
    lapse()
    Revalidation.objects.filter(due_at__isnull=False).update(due_at=Now() - timedelta(seconds=1))


def test_the_sweep_says_what_it_found(b, monkeypatch):
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)
    link("a", "b", input={})
    update("b", NEEDS_X)
    _leave()
    assert runs.sweep() == {"runs_waiting": 1, "runs_abandoned": 0, "runs_failed": 0}

    claim_chunk(latest_run().pk)
    _leave()
    assert runs.sweep() == {"runs_waiting": 0, "runs_abandoned": 1, "runs_failed": 0}


def _die(run: Revalidation) -> None:
    """Be a worker that begins with a chunk and is never heard of again."""
    chunk = claim_chunk(run.pk)
    assert chunk is not None
    count_attempt(chunk)
    _leave()


def test_a_chunk_that_kills_every_worker_is_not_claimed_again_and_the_run_fails(
    api, b, small_chunks, monkeypatch
):
    """No endless retry: the rest of the payloads are checked, and the run says what is missing."""
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)
    first, second, third = (link("a", "b", input={}) for _ in range(3))
    update("b", NEEDS_X)
    run = latest_run()
    for _ in range(chunks.ATTEMPTS_LIMIT):
        assert runs.sweep()["runs_failed"] == 0
        _die(run)
    assert not runs.work_through(run.pk)
    assert (warnings_of(first), warnings_of(second), warnings_of(third)) == ([], [], MISSING_X)
    assert latest_run().status == "running", "the sweep ends it when nobody works on it any more"

    _leave()
    assert runs.sweep() == {"runs_waiting": 0, "runs_abandoned": 0, "runs_failed": 1}
    (shown,) = api.get("/v2/models/b/revalidations").body
    assert (shown["status"], shown["total"], shown["checked"]) == ("failed", 3, 1)
    assert shown["error"] == (
        "The worker died in each of 5 tries to check the payloads after the first up to"
        f" {second.pk}."
    )
    assert not RevalidationChunk.objects.exists()
    assert not any(runs.sweep().values())
    assert not runs.work_through(run.pk)


def test_a_chunk_with_recorded_findings_has_all_its_attempts_again(b, monkeypatch):
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)
    subscriptions = [link("a", "b", input={}) for _ in range(3)]
    update("b", NEEDS_X)
    run = latest_run()
    for _ in range(chunks.ATTEMPTS_LIMIT - 1):
        _die(run)
    chunk = claim_chunk(run.pk)
    reached = payloads.Findings(changes=[], checked=1, invalid=1, reached=subscriptions[0].pk)
    record_findings(chunk, reached, time_is_up=True)
    assert runs.sweep()["runs_failed"] == 0
    _die(run)

    assert worked_off().status == "success"


def test_a_chunk_that_was_only_claimed_ahead_counts_no_attempt(b, small_chunks, monkeypatch):
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)
    subscriptions = [link("a", "b", input={}) for _ in range(4)]
    update("b", NEEDS_X)
    run = latest_run()
    for _ in range(chunks.ATTEMPTS_LIMIT):
        begun, ahead = claim_chunk(run.pk), claim_chunk(run.pk)
        assert (begun.until, ahead.until) == (subscriptions[1].pk, subscriptions[3].pk)
        count_attempt(begun)
        _leave()

    runs.work_through(run.pk)
    assert [bool(warnings_of(sub)) for sub in subscriptions] == [False, False, True, True]
    _leave()
    assert runs.sweep()["runs_failed"] == 1


def test_after_several_such_chunks_the_rest_is_not_tried(b, small_chunks, monkeypatch):
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)
    for _ in range(12):
        link("a", "b", input={})
    update("b", NEEDS_X)
    deaths = 0
    while not runs.sweep()["runs_failed"]:
        _die(latest_run())
        deaths += 1

    assert deaths == chunks.HOPELESS_LIMIT * chunks.ATTEMPTS_LIMIT
    assert latest_run().error.endswith(", and in 2 other such chunks.")


def test_a_contract_that_kills_every_worker_fails_the_run_as_well(b, monkeypatch):
    """The chunk is claimed before the contract is prepared, so that the attempt counts."""
    monkeypatch.setattr("subscriptions.wakeups.publish_run_wakeup", lambda run_id: True)

    def die(run: Revalidation) -> None:
        raise SystemExit

    monkeypatch.setattr(runs, "Examiner", die)
    link("a", "b", input={})
    update("b", NEEDS_X)
    for _ in range(chunks.ATTEMPTS_LIMIT):
        with pytest.raises(SystemExit):
            runs.work_through(latest_run().pk)
        _leave()

    assert runs.sweep()["runs_failed"] == 1
    assert latest_run().status == "failed"
