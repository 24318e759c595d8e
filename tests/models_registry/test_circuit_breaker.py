"""The circuit breaker: closed, open and half-open, in forked processes too."""

from __future__ import annotations

import os

import pytest

from models_registry.queue import circuit_breaker
from models_registry.queue.circuit_breaker import CircuitBreaker, State


@pytest.fixture
def breaker(clock) -> CircuitBreaker:
    return CircuitBreaker(failures=2, pause_seconds=10, clock=clock)


def _fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.record(success=False)


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    _fail(breaker, 1)
    breaker.record(success=True)
    _fail(breaker, 1)
    assert (breaker.state, breaker.allow(), breaker.seconds_left()) == (State.CLOSED, True, 0)
    _fail(breaker, 1)
    assert (breaker.state, breaker.allow(), breaker.seconds_left()) == (State.OPEN, False, 10)


def test_after_the_pause_one_call_is_the_trial(breaker, clock):
    _fail(breaker, 2)
    clock.now += 10
    assert breaker.state is State.HALF_OPEN
    assert [breaker.allow() for _ in range(3)] == [True, False, False]


def test_a_trial_that_succeeds_closes_it(breaker, clock):
    _fail(breaker, 2)
    clock.now += 10
    assert breaker.allow()
    breaker.record(success=True)
    assert breaker.state is State.CLOSED
    _fail(breaker, 1)
    assert breaker.allow()


def test_a_trial_that_fails_opens_it_again_for_as_long(breaker, clock):
    _fail(breaker, 2)
    clock.now += 10
    assert breaker.allow()
    clock.now += 3
    _fail(breaker, 1)
    assert (breaker.allow(), breaker.seconds_left()) == (False, 10)


# Python 3.12 and newer warn of forking where threads run; Celery does just that.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_forked_while_a_thread_records_can_record_itself():
    breaker = CircuitBreaker(failures=2, pause_seconds=60)
    breaker.record(success=False)
    with circuit_breaker._lock:
        child = os.fork()
        if child == 0:
            can_record = circuit_breaker._lock.acquire(timeout=5)
            if can_record:
                circuit_breaker._lock.release()
                breaker.record(success=False)
            os._exit(0 if can_record and not breaker.allow() else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
