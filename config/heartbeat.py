"""Heartbeats of workers: a thread in each worker's main process renews its row."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from django.conf import settings
from django.db import connections

from models_registry.observability import heartbeats
from models_registry.observability.heartbeats import HeartbeatKind

logger = logging.getLogger(__name__)

# How long a stop waits for the row to be deleted.
STOP_SECONDS = 2.0


class Heart:
    """Beats for one worker until it is stopped; errors are logged and the beat is retried."""

    def __init__(self, name: str, queues: Sequence[str]) -> None:
        self._name, self._queues = name, tuple(queues)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        _leave_the_pool()
        self._try(lambda: heartbeats.beat(self._name, HeartbeatKind.WORKER, self._queues))
        while not self._stopped.wait(settings.WORKER_HEARTBEAT_SECONDS):
            self._try(lambda: heartbeats.beat(self._name, HeartbeatKind.WORKER, self._queues))
        self._try(lambda: heartbeats.end(self._name))

    def _try(self, act: Any) -> None:
        try:
            act()
        except Exception as error:  # the database is away, and will be back
            logger.warning("heartbeat.not_written %s", type(error).__name__)
        finally:
            # Kept open, it would be inherited by a child that the worker forks later.
            connections.close_all()


def _leave_the_pool() -> None:
    """Give this thread a database connection of its own, outside the process's pool.

    A worker's main process forks children, which must not inherit a pool that is in use.
    """
    pooled = connections["default"]
    own = pooled.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    connections["default"] = own


_hearts: list[Heart] = []


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Start the heartbeat once a worker consumes its queues."""
    queues = [queue.name for queue in sender.task_consumer.queues]
    _hearts.append(Heart(sender.hostname, queues))
    _hearts[-1].start()


@worker_shutdown.connect
def cease(**_: Any) -> None:
    """Delete the worker's row when it has stopped."""
    while _hearts:
        _hearts.pop().stop()
