"""Revalidation: stored payloads checked again, in the background, after a contract changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_registry.models import Model
from subscriptions import tasks
from subscriptions.models import EventSubscription, Revalidation, RevalidationChunk
from subscriptions.services import payloads, revalidation, revalidation_chunks
from subscriptions.services.revalidation_chunks import claim_stretch, record_findings
from subscriptions.services.subscribing import unsubscribe, update_subscription
from tests.subscriptions.conftest import link, update

pytestmark = pytest.mark.django_db

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}
NEEDS_Y = {"inference": {"input_schema": {"required": ["y"]}}}
MISSING_X = ['input: required: the property "x" is missing']


@pytest.fixture
def b(make_model) -> Model:
    make_model("a")
    return make_model("b")


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Hand a run out two payloads at a time."""
    monkeypatch.setattr(revalidation_chunks, "CHUNK_ROWS", 2)


def _run(**filters: Any) -> Revalidation:
    return Revalidation.objects.filter(**filters).latest("pk")


def _finished() -> Revalidation:
    """Work through the newest run and return how it ended."""
    revalidation.work_through(_run().pk)
    return _run()


def _counts(run: Revalidation) -> tuple[str, int | None, int, int]:
    return run.status, run.total, run.checked, run.invalid


def _warnings(subscription: EventSubscription) -> Any:
    found = EventSubscription.objects.get(pk=subscription.pk)
    assert found.has_warnings == bool(found.warnings)
    return found.warnings


def test_payloads_that_no_longer_fit_get_warnings_and_the_others_none(b):
    """ "Stored payloads for that action are revalidated asynchronously." """
    fits, fails = link("a", "b", input={"x": 1}), link("a", "b", input={})
    update("b", NEEDS_X)
    assert _warnings(fails) == [], "nothing is checked in the update itself"

    run = _finished()

    assert _counts(run) == ("success", 2, 2, 1)
    assert (_warnings(fits), _warnings(fails)) == ([], MISSING_X)
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
    _finished()

    lines = _warnings(wrong)
    assert len(lines) == 20
    assert lines[:2] == [
        'input/a~1b/0: type: expected the type "string"',
        'input/a~1b/1: type: expected the type "string"',
    ]


def test_warnings_are_those_that_a_new_subscription_would_get(b):
    old = link("a", "b", input={"x": "", "y": [1, None]})
    contract = {"required": ["z"], "properties": {"x": {"minLength": 3}, "y": {"maxItems": 1}}}
    update("b", {"inference": {"input_schema": contract}})
    _finished()

    assert _warnings(old) == _warnings(link("a", "b", input={"x": "", "y": [1, None]})) != []


def test_only_the_stored_payloads_of_the_changed_action_are_checked(b, make_model):
    make_model("c")
    link("a", "b", input={})
    link("a", "b", input_source="trigger_output")
    training = link("a", "b", target_action="training", input={})
    link("b", "c", input={})
    update("b", NEEDS_X)

    assert _counts(_finished()) == ("success", 1, 1, 1)
    assert _warnings(training) == []


def test_a_changed_output_or_name_starts_no_run(b):
    update("b", {"inference": {"output_schema": {"required": ["x"]}}})

    assert not Revalidation.objects.exists()


def test_removing_the_schema_clears_the_warnings(b):
    link("a", "b", input={"x": 1})
    failing = link("a", "b", input={})
    update("b", NEEDS_X)
    _finished()
    update("b", None)

    assert _counts(_finished()) == ("success", 2, 2, 0)
    assert _warnings(failing) == []


def test_other_warnings_take_the_place_of_the_old_ones(b):
    failing = link("a", "b", input={})
    update("b", NEEDS_X)
    _finished()
    update("b", NEEDS_Y)
    _finished()

    assert _warnings(failing) == ['input: required: the property "y" is missing']


def test_only_rows_whose_warnings_changed_are_written(b, monkeypatch):
    written: list[payloads.Change] = []
    write = payloads.write_warnings
    monkeypatch.setattr(
        revalidation_chunks,
        "write_warnings",
        lambda changes: (written.extend(changes), write(changes)),
    )
    link("a", "b", input={"x": 1})
    link("a", "b", input={})
    update("b", NEEDS_X)
    _finished()
    assert len(written) == 1

    update("b", {"inference": {"input_schema": {"required": ["x"], "minProperties": 0}}})
    assert _counts(_finished()) == ("success", 2, 2, 1)
    assert len(written) == 1


def test_a_run_over_nothing_succeeds(b):
    update("b", NEEDS_X)

    assert _counts(_finished()) == ("success", 0, 0, 0)


def test_a_newer_change_supersedes_an_open_run_and_an_ended_one_stays(b):
    link("a", "b", input={})
    for contract in (NEEDS_X, NEEDS_Y, NEEDS_X):
        update("b", contract)
    first, second, third = Revalidation.objects.order_by("pk")
    assert [first.status, second.status] == ["superseded", "superseded"]
    assert first.finished_at is not None
    assert first.due_at is None

    assert not revalidation.work_through(second.pk), "there is nothing left to do"
    revalidation.work_through(third.pk)
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
    old = _run()
    stretch = claim_stretch(old.pk)
    findings = payloads.Examiner(old).examine(stretch)
    update("b", NEEDS_Y)
    if is_new_run_done:
        _finished()

    assert record_findings(stretch, findings, is_over=False) is None
    old.refresh_from_db()
    assert _counts(old) == ("superseded", None, 0, 0)
    assert _warnings(subscription) != MISSING_X


def test_training_and_inference_are_runs_of_their_own(b):
    update("b", {**NEEDS_X, "training": {"input_schema": {"required": ["t"]}}})
    update("b", {**NEEDS_X, "training": {"input_schema": {"required": ["u"]}}})

    assert _run(action="inference").status == "pending"
    assert Revalidation.objects.filter(action="training", status="superseded").count() == 1


# --- Sharing ----------------------------------------------------------------------------------
def test_a_run_is_done_chunk_by_chunk_and_each_payload_is_counted_once(b, small_chunks):
    for number in range(7):
        link("a", "b", input={"x": 1} if number % 3 else {})
    update("b", NEEDS_X)

    assert _counts(_finished()) == ("success", 7, 7, 3)


def test_progress_is_visible_while_it_runs(b, small_chunks):
    for _ in range(5):
        link("a", "b", input={})
    update("b", NEEDS_X)
    run = _run()
    assert revalidation.work_through(run.pk, seconds=0), "time is over at once"
    assert _counts(_run()) == ("pending", 5, 0, 0)

    examiner = payloads.Examiner(run)
    stretch = claim_stretch(run.pk)
    record_findings(stretch, examiner.examine(stretch), is_over=False)
    assert _counts(_run()) == ("running", 5, 2, 2)


def test_two_workers_never_get_the_same_stretch(b, small_chunks):
    for _ in range(4):
        link("a", "b", input={})
    update("b", NEEDS_X)
    first, second = claim_stretch(_run().pk), claim_stretch(_run().pk)

    assert first is not None
    assert second is not None
    assert second.after == first.until
    assert claim_stretch(_run().pk) is None, "the rest is in the hands of others"
    assert _run().status == "running"


def test_the_run_ends_with_whichever_chunk_is_done_last(b, small_chunks):
    for _ in range(4):
        link("a", "b", input={})
    update("b", NEEDS_X)
    run = _run()
    examiner = payloads.Examiner(run)
    stretches = [claim_stretch(run.pk), claim_stretch(run.pk)]
    for stretch in reversed(stretches):
        assert _run().status == "running"
        assert record_findings(stretch, examiner.examine(stretch), is_over=False) is None
    assert claim_stretch(run.pk) is None

    assert _counts(_run()) == ("success", 4, 4, 4)


def _lapse() -> None:
    RevalidationChunk.objects.update(lease_until=Now() - timedelta(seconds=1))


def test_the_chunk_of_a_worker_that_died_is_taken_again_and_counted_once(b, small_chunks):
    """F4: recovery by our lease, not by the broker."""
    for _ in range(3):
        link("a", "b", input={})
    update("b", NEEDS_X)
    run = _run()
    dead = claim_stretch(run.pk)
    assert not revalidation.work_through(run.pk)
    assert _counts(_run()) == ("running", 3, 1, 1), "it waits for the chunk's lease"
    _lapse()
    revalidation.work_through(run.pk)
    assert _counts(_run()) == ("success", 3, 3, 3)

    assert record_findings(dead, payloads.Examiner(run).examine(dead), is_over=False) is None
    assert _counts(_run()) == ("success", 3, 3, 3)


def test_a_stretch_that_is_much_work_is_recorded_in_parts(b, monkeypatch):
    """Below the lease and the statement's time limit, however large the payloads."""
    monkeypatch.setattr(payloads, "EXAMINE_SECONDS", -1.0)
    subscriptions = [link("a", "b", input={}) for _ in range(3)]
    update("b", NEEDS_X)
    run = _run()
    examiner = payloads.Examiner(run)
    stretch = claim_stretch(run.pk)
    rest = record_findings(stretch, examiner.examine(stretch), is_over=False)

    assert (rest.after, rest.until) == (subscriptions[0].pk, subscriptions[2].pk)
    assert _counts(_run()) == ("running", None, 1, 1)
    assert record_findings(rest, examiner.examine(rest), is_over=True) is None
    assert _counts(_finished()) == ("success", 3, 3, 3), "whoever comes next takes the rest at once"


def test_warnings_that_fill_the_memory_are_written_before_the_rest_is_read(b, monkeypatch):
    monkeypatch.setattr(payloads, "CHANGES_BYTES", 10)
    for _ in range(3):
        link("a", "b", input={})
    update("b", NEEDS_X)
    stretch = claim_stretch(_run().pk)

    assert payloads.Examiner(_run()).examine(stretch).checked == 1


@pytest.mark.parametrize("change", [{"input": {"x": 1}}, {"input": {"y": 1}}])
def test_an_edit_of_the_payload_after_it_was_read_wins(b, change):
    subscription = link("a", "b", input={})
    update("b", NEEDS_X)
    run = _run()
    stretch = claim_stretch(run.pk)
    findings = payloads.Examiner(run).examine(stretch)
    update_subscription(source_id="a", subscription_id=subscription.pk, changes=change)
    record_findings(stretch, findings, is_over=False)

    assert _warnings(subscription) == ([] if "x" in change["input"] else MISSING_X)
    assert _counts(_run()) == ("success", 1, 1, 1)


def test_subscriptions_may_come_and_go_while_a_run_is_on(b, small_chunks):
    gone = [link("a", "b", input={}) for _ in range(4)]
    update("b", NEEDS_X)
    run = _run()
    revalidation.work_through(run.pk, seconds=0)
    stretch = claim_stretch(run.pk)
    record_findings(stretch, payloads.Examiner(run).examine(stretch), is_over=False)
    for subscription in gone[1:]:
        unsubscribe(source_id="a", subscription_id=subscription.pk)
    new = link("a", "b", input={})

    assert _counts(_finished()) == ("success", 3, 3, 3)
    assert _warnings(new) == MISSING_X


def test_a_run_whose_model_is_deleted_is_over(b):
    from models_registry.services.models import delete_model

    subscription = link("a", "b", input={})
    update("b", NEEDS_X)
    run = _run()
    stretch = claim_stretch(run.pk)
    findings = payloads.Examiner(run).examine(stretch)
    unsubscribe(source_id="a", subscription_id=subscription.pk)
    from models_registry.models import Job

    Job.objects.all().delete()
    delete_model(model_id="b")

    assert record_findings(stretch, findings, is_over=False) is None
    assert not revalidation.work_through(run.pk)


class Workers:
    """Workers of one run that take chunks, record them, die, or come too late."""

    def __init__(self, run: Revalidation, subscriptions: list[EventSubscription]) -> None:
        self._run, self._subscriptions = run, subscriptions
        self._examiner = payloads.Examiner(run)
        self._hands: list[Any] = []

    def claim(self) -> None:
        if stretch := claim_stretch(self._run.pk):
            self._hands.append((stretch, self._examiner.examine(stretch)))

    def record(self) -> None:
        if self._hands:
            record_findings(*self._hands.pop(0), is_over=False)

    def die(self) -> None:
        self._hands = self._hands[:-1]

    def lapse(self) -> None:
        _lapse()

    def edit(self) -> None:
        for subscription in self._subscriptions[:1]:
            update_subscription(
                source_id="a", subscription_id=subscription.pk, changes={"label": "edited"}
            )

    def finish(self) -> None:
        _lapse()
        revalidation.work_through(self._run.pk)
        for stretch, findings in self._hands:
            record_findings(stretch, findings, is_over=False)


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
    run = _run()
    workers = Workers(run, made)
    for step in steps:
        getattr(workers, step)()
        run.refresh_from_db()
        assert run.invalid <= run.checked <= len(fitting)
    workers.finish()

    assert _counts(_run()) == ("success", len(fitting), len(fitting), fitting.count(False))
    for subscription, fits in zip(made, fitting, strict=True):
        assert _warnings(subscription) == ([] if fits else MISSING_X)


# --- Messages ---------------------------------------------------------------------------------
def test_an_update_wakes_a_worker_when_it_is_committed(b, django_capture_on_commit_callbacks):
    sent: list[UUID] = []
    link("a", "b", input={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subscriptions.hints.send_hint", sent.append)
        with django_capture_on_commit_callbacks(execute=True):
            update("b", NEEDS_X)

    assert sent == [_run().pk]


def test_the_task_works_through_a_run_and_hands_on_what_time_did_not_suffice_for(b, monkeypatch):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.hints.send_hint", sent.append)
    link("a", "b", input={})
    update("b", NEEDS_X)
    run_id = _run().pk
    monkeypatch.setattr(revalidation, "work_through", lambda run_id: True)
    tasks.revalidate(str(run_id))
    assert sent == [run_id]
    monkeypatch.undo()

    tasks.revalidate(str(run_id))
    assert _counts(_run()) == ("success", 1, 1, 1)


def test_a_task_for_a_run_that_is_not_there_does_nothing():
    tasks.revalidate(str(uuid4()))


def test_a_large_run_wakes_more_workers(b, monkeypatch):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.hints.send_hint", sent.append)
    monkeypatch.setattr(revalidation, "PAYLOADS_PER_WORKER", 2)
    for _ in range(6):
        link("a", "b", input={})
    update("b", NEEDS_X)
    revalidation.work_through(_run().pk)

    assert sent == [_run().pk] * 3


def test_the_sweep_finds_a_run_whose_message_was_lost_and_does_not_repeat_itself(b, monkeypatch):
    """F1: the message is a hint; the row says what is due."""
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.hints.send_hint", sent.append)
    link("a", "b", input={})
    update("b", NEEDS_X)
    Revalidation.objects.update(due_at=Now() - timedelta(seconds=1))
    tasks.sweep_revalidations()
    tasks.sweep_revalidations()

    assert sent == [_run().pk]


def test_the_sweep_leaves_alone_what_is_worked_on_and_what_has_ended(b, monkeypatch):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.hints.send_hint", sent.append)
    link("a", "b", input={})
    update("b", NEEDS_X)
    claim_stretch(_run().pk)
    assert revalidation.sweep() == 0

    _lapse()
    _finished()
    assert revalidation.sweep() == 0
    assert sent == []


# --- HTTP -------------------------------------------------------------------------------------
def test_runs_are_listed_newest_first_with_their_progress(api, b):
    """Issue 3, point 5: "action, total, checked, invalid, status, started and finished times"."""
    link("a", "b", input={})
    update("b", NEEDS_X)
    _finished()
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
    }


def test_the_runs_of_an_unknown_model_are_404(api):
    assert api.get("/v2/models/nowhere/revalidations").status == 404


def test_the_warnings_are_shown_with_the_subscription(api, b):
    failing = link("a", "b", input={})
    update("b", NEEDS_X)
    _finished()

    shown = api.get(f"/v2/models/a/event-subscriptions/{failing.pk}").body
    assert (shown["status"], shown["warnings"]) == ("stale", MISSING_X)
