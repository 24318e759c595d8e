"""The thread that publishes wake-ups, so that no request waits for the broker."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar
from uuid import UUID

from models_registry.observability import metrics

logger = logging.getLogger(__name__)

# Ids that may wait to be published: with more than these the broker has been away for long, and the
# sweep finds the jobs whose ids are dropped.
WAITING_AT_MOST = 10_000
# Once this many ids are taken to be published, the rest waits for the next time.
AT_ONCE = 1_000
# Between two batches: what a busy process hands over meanwhile goes together.
PAUSE_SECONDS = 0.01
# How long the end of a process waits for its last wake-ups.
END_SECONDS = 2.0

Kind = TypeVar("Kind", bound=Hashable)


class Publisher(Generic[Kind]):
    """Publishes what any thread hands over, in that order, in a thread of its own.

    The first wake-up is published at once; those of the next hundredth of a second go together, so
    that publishing costs a busy process little. Kinds of wake-ups are published apart. A forked
    process starts with nothing handed over.
    """

    def __init__(self, publish: Callable[[Kind, Sequence[UUID]], object]) -> None:
        self._publish = publish
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.flush, END_SECONDS)

    def hand_over(self, kind: Kind, ids: Sequence[UUID]) -> None:
        """Have messages that name these ids published soon. Never waits and never raises."""
        with self._changing:
            taken = ids[: max(0, WAITING_AT_MOST - self._waiting)]
            self._waiting += len(taken)
        if len(taken) < len(ids):
            metrics.HINTS_NOT_SENT.inc(len(ids) - len(taken))
        if taken:
            self._handed.put((kind, taken))
            self._ensure_thread()

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all that was handed over before has been tried; False if time ran out."""
        if self._thread is None and not self._waiting:
            return True
        reached = threading.Event()
        self._handed.put(reached)
        return self._ensure_thread() and reached.wait(timeout_seconds)

    def _begin_anew(self) -> None:
        self._handed: SimpleQueue[tuple[Kind, Sequence[UUID]] | threading.Event] = SimpleQueue()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._changing = threading.Lock()

    def _ensure_thread(self) -> bool:
        """Start the publisher thread if there is none; False when it can't be started.

        The next wake-up that is handed over tries again.
        """
        if self._has_thread():
            return True
        with self._changing:
            if not self._has_thread():
                thread = threading.Thread(target=self._run, name="publisher", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # too many threads, or the process is ending
                    logger.warning("publisher.no_thread: %s", error)
                    return False
                self._thread = thread
        return True

    def _has_thread(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        published_at = 0.0
        while True:
            first = self._handed.get()
            time.sleep(max(0.0, published_at + PAUSE_SECONDS - time.monotonic()))
            self._publish_all(self._take(first))
            published_at = time.monotonic()

    def _take(
        self, first: tuple[Kind, Sequence[UUID]] | threading.Event
    ) -> list[tuple[Kind, Sequence[UUID]] | threading.Event]:
        """Return what has been handed over, from `first` on."""
        taken, ids = [first], _number_of_ids(first)
        while ids < AT_ONCE:
            try:
                taken.append(self._handed.get_nowait())
            except Empty:
                break
            ids += _number_of_ids(taken[-1])
        with self._changing:
            self._waiting -= ids
        return taken

    def _publish_all(self, taken: Sequence[tuple[Kind, Sequence[UUID]] | threading.Event]) -> None:
        together: dict[Kind, list[UUID]] = defaultdict(list)
        for each in taken:
            if not isinstance(each, threading.Event):
                together[each[0]] += each[1]
        try:
            for kind, ids in together.items():
                self._try(kind, ids)
        finally:
            for each in taken:
                if isinstance(each, threading.Event):
                    each.set()

    def _try(self, kind: Kind, ids: Sequence[UUID]) -> None:
        try:
            self._publish(kind, ids)
        except Exception:  # a bug: it must not stop the wake-ups of others
            logger.exception("publisher.not_published wakeup=%s", kind)


def _number_of_ids(handed: tuple[Any, Sequence[UUID]] | threading.Event) -> int:
    return 0 if isinstance(handed, threading.Event) else len(handed[1])
