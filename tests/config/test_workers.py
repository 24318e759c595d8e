"""The workers in the process: each queue has its own, and they begin and stop as asked."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from celery import shared_task
from pytest_django import Settings

from config.celery import app
from config.embedded.worker import QUEUES, Workers

WITHIN_SECONDS = 20
began = threading.Semaphore(0)
released = threading.Event()
called: list[str] = []


@shared_task
def wait_for_release() -> None:
    began.release()
    released.wait(WITHIN_SECONDS)


@shared_task
def note(name: str) -> None:
    called.append(name)


@pytest.fixture
def begin(settings: Settings) -> Iterator[Callable[[], Workers]]:
    """Start workers that have no database: without beat's sweep, only our tasks run."""
    settings.CELERY_BEAT_SCHEDULE = {}
    empty_queues()
    begun: list[Workers] = []
    released.clear()
    called.clear()

    def start() -> Workers:
        begun.append(Workers())
        begun[-1].start()
        return begun[-1]

    yield start
    released.set()
    for workers in begun:
        assert workers.stop(timeout_seconds=WITHIN_SECONDS)


def empty_queues() -> None:
    """Take away what earlier tests left for workers that they did not have."""
    with app.connection_for_write() as connection:
        for queue in QUEUES:
            connection.default_channel.queue_purge(queue)


def wait_until(names: set[str]) -> None:
    ends_at = time.monotonic() + WITHIN_SECONDS
    while set(called) != names:
        assert time.monotonic() < ends_at, called
        time.sleep(0.02)


def test_calls_that_are_waited_for_hold_up_nothing_else(begin: Callable[[], Workers]) -> None:
    begin()
    for _ in range(QUEUES["sync"] + 1):
        wait_for_release.apply_async(queue="sync")
    for _ in range(QUEUES["sync"]):
        assert began.acquire(timeout=WITHIN_SECONDS)
    for queue in ("dispatch", "background"):
        note.apply_async((queue,), queue=queue)
    wait_until({"dispatch", "background"})
    assert not began.acquire(blocking=False), "more at once than there are threads"


def test_a_stop_waits_for_what_is_under_way_and_no_longer_than_told(
    begin: Callable[[], Workers],
) -> None:
    """F20: graceful within a stated time."""
    workers = begin()
    wait_for_release.apply_async(queue="dispatch")
    assert began.acquire(timeout=WITHIN_SECONDS)
    started = time.monotonic()
    assert workers.stop(timeout_seconds=0.5) is False
    assert time.monotonic() - started < 2
    released.set()
    assert workers.stop(timeout_seconds=WITHIN_SECONDS) is True


def test_workers_begun_after_a_stop_work(begin: Callable[[], Workers]) -> None:
    assert begin().stop(timeout_seconds=WITHIN_SECONDS)
    begin()
    note.apply_async(("again",), queue="dispatch")
    wait_until({"again"})


def test_beat_with_nothing_to_do_stops_as_well(begin: Callable[[], Workers]) -> None:
    workers = begin()
    time.sleep(1)  # by now it naps
    assert workers.stop(timeout_seconds=5)


def test_the_process_keeps_its_own_signal_handlers(begin: Callable[[], Workers]) -> None:
    """They belong to the command, which stops all parts in their order."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    begin()
    assert [signal.getsignal(number) for number in numbers] == before
