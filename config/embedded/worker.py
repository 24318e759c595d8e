"""Runs Celery workers and beat in threads of this process."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.worker import WorkController
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from celery.worker.loops import synloop

from config.celery import make_app

# Threads by queue. Each queue has its own worker, so that synchronous calls and long background
# work do not block others.
QUEUES = {"dispatch": 4, "sync": 8, "background": 2}
START_SECONDS = 30
# How often an idle worker checks whether it should stop.
STOP_POLL_SECONDS = 0.2
BEAT_INTERVAL_SECONDS = 1


class WorkersDidNotStart(Exception):
    """A worker was not ready in time, or ended at once."""


class _QuickStopConsumer(Consumer):
    """Checks every 0.2 seconds whether it should stop; Celery's consumer checks every 2 seconds."""

    @staticmethod
    def loop(consumer: Consumer, connection: Any, *rest: Any) -> None:
        def drain_events(timeout: float) -> None:
            connection.drain_events(timeout=min(timeout, STOP_POLL_SECONDS))

        synloop(consumer, SimpleNamespace(drain_events=drain_events), *rest)


class _Worker(WorkController):
    """Consumes one queue from a thread; installs no signal handlers and no logging."""

    def __init__(self, app: Celery, queue: str, threads: int) -> None:
        self.ready = threading.Event()
        super().__init__(
            app=app,
            hostname=f"{queue}@embedded",
            queues=[queue],
            pool="threads",
            concurrency=threads,
            consumer_cls=_QuickStopConsumer,
            # Celery's event loop is one for the whole process: two workers can't share it.
            use_eventloop=False,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        self.thread = threading.Thread(target=self.start, name=f"worker-{queue}", daemon=True)

    def on_consumer_ready(self, consumer: Consumer) -> None:
        self.ready.set()


class Workers:
    """A worker for each queue, and beat. Only one instance per process may run."""

    def __init__(self) -> None:
        # The command has already run the system checks; each worker would repeat them.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        # The consumed queues are a property of the app, so each worker has its own app.
        self._workers = [
            _Worker(make_app(f"modelpact-{queue}"), queue, threads)
            for queue, threads in QUEUES.items()
        ]
        # The schedule is in memory: it needs no persistence.
        self._beat: Any = EmbeddedService(
            make_app("modelpact-beat"),
            # Beat checks whether it should stop between two intervals.
            max_interval=BEAT_INTERVAL_SECONDS,
            thread=True,
            scheduler_cls="celery.beat:Scheduler",
        )

    def start(self) -> None:
        """Start all, and return when each consumes its queue. Raises WorkersDidNotStart."""
        _set_should_stop(None)
        for worker in self._workers:
            worker.thread.start()
        ends_at = time.monotonic() + START_SECONDS
        for worker in self._workers:
            while not worker.ready.wait(0.1):
                if time.monotonic() > ends_at or not worker.thread.is_alive():
                    raise WorkersDidNotStart(worker.thread.name)
        self._beat.start()

    def stop(self, *, timeout_seconds: float) -> bool:
        """Stop taking work and wait for running tasks.

        Returns False if a task still runs after `timeout_seconds`; its rows record what is left.
        """
        ends_at = time.monotonic() + timeout_seconds
        self._beat.service.stop()
        _set_should_stop(0)
        threads = [self._beat, *(worker.thread for worker in self._workers)]
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, ends_at - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def _set_should_stop(status: int | None) -> None:
    """Set the stop flag like a worker's signal handler; workers check it between messages.

    None resets it: the flag of an earlier stop would stop new workers immediately.
    """
    state: Any = worker_state
    state.should_stop = status
