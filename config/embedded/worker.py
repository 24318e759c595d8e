"""Celery's workers and its beat in threads of this process."""

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

# Threads by queue. Each queue has a worker of its own, so that calls that are waited for, or long
# work in the background, hold up nothing else.
QUEUES = {"dispatch": 4, "sync": 8, "background": 2}
START_SECONDS = 30
# How long a worker without work may take to notice that it should stop.
ATTENTION_SECONDS = 0.2
BEAT_NAP_SECONDS = 1


class WorkersDidNotStart(Exception):
    """A worker was not ready in time, or ended at once."""


class _AttentiveConsumer(Consumer):
    """Looks every fifth of a second whether it should stop; Celery's own, every other second."""

    @staticmethod
    def loop(consumer: Consumer, connection: Any, *rest: Any) -> None:
        def drain_events(timeout: float) -> None:
            connection.drain_events(timeout=min(timeout, ATTENTION_SECONDS))

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
            consumer_cls=_AttentiveConsumer,
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
    """A worker for each queue, and beat. There may be one of these at a time in a process."""

    def __init__(self) -> None:
        # The command has run the system checks already; each worker would again.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        # Which queues are consumed is a property of the app, so each worker gets its own.
        self._workers = [
            _Worker(make_app(f"modelpact-{queue}"), queue, threads)
            for queue, threads in QUEUES.items()
        ]
        # Its schedule is in memory: nothing in it is worth keeping.
        self._beat: Any = EmbeddedService(
            make_app("modelpact-beat"),
            # It looks whether it should stop only between two naps.
            max_interval=BEAT_NAP_SECONDS,
            thread=True,
            scheduler_cls="celery.beat:Scheduler",
        )

    def start(self) -> None:
        """Start all; returns when each consumes its queue. Raises WorkersDidNotStart."""
        _tell_workers_to_stop(None)
        for worker in self._workers:
            worker.thread.start()
        ends_at = time.monotonic() + START_SECONDS
        for worker in self._workers:
            while not worker.ready.wait(0.1):
                if time.monotonic() > ends_at or not worker.thread.is_alive():
                    raise WorkersDidNotStart(worker.thread.name)
        self._beat.start()

    def stop(self, *, timeout_seconds: float) -> bool:
        """Begin no more work and wait for what is under way.

        Returns False when some of it still runs after `timeout_seconds`; its rows say what is
        left to do.
        """
        ends_at = time.monotonic() + timeout_seconds
        self._beat.service.stop()
        _tell_workers_to_stop(0)
        threads = [self._beat, *(worker.thread for worker in self._workers)]
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, ends_at - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def _tell_workers_to_stop(status: int | None) -> None:
    """Do what a worker's own signal handler does; each looks at it between two messages.

    None takes it back: what an earlier stop left would stop new workers at once.
    """
    state: Any = worker_state
    state.should_stop = status
