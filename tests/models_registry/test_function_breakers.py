"""A function that could not be called is left alone for a while, and others are not (F11)."""

from __future__ import annotations

import pytest

from models_registry.handlers import Retry
from models_registry.models import Job
from models_registry.queue import wakeups
from models_registry.queue.circuit_breaker import LONGEST_SECONDS, FunctionBreakers
from models_registry.queue.circuit_breaker import function_breakers as of_this_process
from models_registry.queue.worker import work_through
from tests.examples import create_model
from tests.factories import ask_training, change_model, make_active_model, make_model
from tests.scripted import ScriptedHandler
from tests.waiting import eventually

PASSING = Retry({"code": "lambda_throttled", "message": "Later."})
ARN = "arn:aws:lambda:us-west-2:123456789012:function:train"
OTHER_ARN = f"{ARN}-other"


@pytest.fixture
def function_breakers(clock) -> FunctionBreakers:
    return FunctionBreakers(clock)


@pytest.fixture
def paused(clock, monkeypatch) -> None:
    """No pause of this process's breakers ends during the test, however slow the machine is."""
    monkeypatch.setattr(of_this_process, "_clock", clock)


def _make_model_of(model_id: str, arn: str) -> None:
    handlers = create_model()["handlers"]
    make_model(model_id, handlers=handlers | {"training": {"type": "lambda", "arn": arn}})


def _called(scripted: ScriptedHandler) -> list[str]:
    return [call.event["model_id"] for call in scripted.calls]


def _length(function_breakers: FunctionBreakers) -> float:
    function_breakers.record("f", success=False)
    return function_breakers.seconds_left()


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_a_bound(function_breakers):
    assert [_length(function_breakers) for _ in range(5)] == [1, 2, 4, 8, LONGEST_SECONDS]


def test_a_function_that_answered_begins_anew(function_breakers):
    _length(function_breakers)
    _length(function_breakers)
    function_breakers.record("f", success=True)
    assert function_breakers.allow("f")
    assert _length(function_breakers) == 1


def test_after_the_pause_one_makes_the_trial_and_the_others_wait_for_what_becomes_of_it(
    function_breakers, clock
):
    function_breakers.record("f", success=False)
    assert not function_breakers.allow("f")
    assert function_breakers.allow("another")
    clock.now += 1
    assert [function_breakers.allow("f") for _ in range(3)] == [True, False, False]
    clock.now += 1  # nothing was heard of it
    assert [function_breakers.allow("f") for _ in range(2)] == [True, False]


def test_what_nobody_tried_again_is_forgotten(function_breakers, clock):
    function_breakers.record("f", success=False)
    clock.now += 1 + LONGEST_SECONDS - 0.1
    assert function_breakers
    assert function_breakers.seconds_left() == 0
    clock.now += 0.1
    assert not function_breakers


def test_asking_which_functions_are_open_makes_no_trial(function_breakers, clock):
    function_breakers.record("f", success=False)
    function_breakers.record("g", success=False)
    function_breakers.record("g", success=False)
    assert function_breakers.open_functions() == ["f", "g"]
    clock.now += 1
    assert function_breakers.open_functions() == ["g"]
    assert function_breakers.allow("f")
    assert function_breakers.open_functions() == ["f", "g"]


@pytest.mark.django_db
def test_of_many_jobs_one_finds_out_that_their_function_is_away_and_another_function_is_called(
    scripted, paused
):
    make_model("away")
    _make_model_of("other", OTHER_ARN)
    jobs = [ask_training("away", n=n) for n in range(5)]
    other = ask_training("other")
    scripted.outcomes.append(PASSING)
    assert not work_through([str(job.pk) for job in jobs], synchronous=False)

    assert _called(scripted) == ["away", "other"]
    assert Job.objects.get(pk=other.pk).dispatch == "dispatched"
    tries = Job.objects.filter(model_id="away").values_list("attempts", "status")
    assert sorted(tries) == [(0, "pending")] * 4 + [(1, "started")]


@pytest.mark.django_db
def test_however_many_versions_of_a_function_that_is_away_wait_another_function_is_called(
    scripted, paused
):
    make_active_model("away")
    for _ in range(30):
        change_model("away")  # which has the new version trained
    _make_model_of("other", OTHER_ARN)
    ask_training("other")
    scripted.outcomes.append(PASSING)
    assert not work_through([], synchronous=False)

    assert _called(scripted) == ["away", "other"]
    assert Job.objects.filter(model_id="away", attempts=0).count() == 29


@pytest.mark.django_db
def test_however_many_functions_are_away_another_is_called(scripted, paused):
    for number in range(30):
        _make_model_of(f"away-{number}", f"{ARN}-{number}")
        for _ in range(2):
            ask_training(f"away-{number}")
    _make_model_of("other", OTHER_ARN)
    ask_training("other")
    scripted.outcomes += [PASSING] * 30
    assert not work_through([], synchronous=False)

    assert _called(scripted) == [*(f"away-{number}" for number in range(30)), "other"]


@pytest.mark.django_db
def test_a_job_that_is_named_is_called_before_others_when_its_function_may_be(scripted, paused):
    """Whoever waits for an answer does so no longer because another function is away."""
    make_model("away")
    for model_id in ("first", "named"):
        _make_model_of(model_id, OTHER_ARN)
    away, _, named = (ask_training(model_id) for model_id in ("away", "first", "named"))
    of_this_process.record(ARN, success=False)
    work_through([str(away.pk), str(named.pk)], synchronous=False)

    assert _called(scripted) == ["named", "first"]


@pytest.mark.django_db
def test_of_many_jobs_that_are_found_for_a_trial_one_is_called(scripted, clock, monkeypatch):
    monkeypatch.setattr(of_this_process, "_clock", clock)
    make_model("away")
    for n in range(5):
        ask_training("away", n=n)
    of_this_process.record(ARN, success=False)
    clock.now += 1
    scripted.outcomes.append(PASSING)
    work_through([], synchronous=False)

    assert _called(scripted) == ["away"]


@pytest.mark.django_db(transaction=True)
def test_when_it_is_back_all_its_jobs_are_called(scripted, model):
    for n in range(3):
        ask_training(model.pk, n=n)
    scripted.outcomes.append(PASSING)
    work_through([], synchronous=False)
    assert len(scripted.calls) == 1

    eventually(lambda: work_through([], synchronous=False) or len(scripted.calls) == 4)
    assert set(Job.objects.values_list("dispatch", flat=True)) == {"dispatched"}


@pytest.mark.django_db
def test_a_worker_is_woken_for_the_trial(scripted, model, monkeypatch):
    """The sweep would find the jobs as well, but later."""
    published: list[str] = []
    monkeypatch.setattr(wakeups, "publish", lambda task, *_: published.append(task))
    ask_training(model.pk)
    scripted.outcomes.append(PASSING)
    work_through([], synchronous=False)
    work_through([], synchronous=False)

    assert published == []
    eventually(lambda: published == [wakeups.DISPATCH_EVENTS.task])
