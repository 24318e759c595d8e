"""The thread that publishes wake-ups, so that no request waits for the broker."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from uuid import UUID

from models_registry.observability import metrics

logger = logging.getLogger(__name__)

# Ids that wait to be published: with more than these the broker has been away for long, and the
# sweep finds what is dropped.
WAITING_AT_MOST = 10_000
# Once that many ids are taken to be published, the rest waits for the next time.
AT_ONCE = 1_000
# From one publishing to the next: what a busy process hands over meanwhile goes together.
PAUSE_SECONDS = 0.01
# How long the end of a process waits for its last wake-ups.
END_SECONDS = 2.0

# The name of a task, and the ids that its messages are to name.
Handed = tuple[str, Sequence[UUID]]


class Publisher:
    """Publishes what any thread hands over, in that order, by a thread of its own.

    The first is published at once, and what comes within a hundredth of a second after that goes
    together, so that publishing costs a busy process little. A process that was forked begins
    anew, with nothing handed over.
    """

    def __init__(self, publish: Callable[[str, Sequence[UUID]], object]) -> None:
        self._publish = publish
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.flush, END_SECONDS)

    def hand_over(self, task: str, ids: Sequence[UUID]) -> None:
        """Have messages to a task that name these ids published soon. Never waits, nor raises."""
        with self._changing:
            taken = ids[: max(0, WAITING_AT_MOST - self._waiting)]
            self._waiting += len(taken)
        if len(taken) < len(ids):
            metrics.HINTS_NOT_SENT.inc(len(ids) - len(taken))
        if taken:
            self._handed.put((task, taken))
            self._see_to_it()

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all that was handed over before has been tried; False if time ran out."""
        if self._thread is None and not self._waiting:
            return True
        reached = threading.Event()
        self._handed.put(reached)
        return self._see_to_it() and reached.wait(timeout_seconds)

    def _begin_anew(self) -> None:
        self._handed: SimpleQueue[Handed | threading.Event] = SimpleQueue()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._changing = threading.Lock()

    def _see_to_it(self) -> bool:
        """Have a thread that publishes, if there is none; False when none can be had.

        What waits is then left to whoever hands something over next.
        """
        if self._is_seen_to():
            return True
        with self._changing:
            if not self._is_seen_to():
                thread = threading.Thread(target=self._run, name="publisher", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # too many threads, or the process is ending
                    logger.warning("publisher.no_thread: %s", error)
                    return False
                self._thread = thread
        return True

    def _is_seen_to(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        published_at = 0.0
        while True:
            first = self._handed.get()
            time.sleep(max(0.0, published_at + PAUSE_SECONDS - time.monotonic()))
            self._publish_all(self._take(first))
            published_at = time.monotonic()

    def _take(self, first: Handed | threading.Event) -> list[Handed | threading.Event]:
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

    def _publish_all(self, taken: Sequence[Handed | threading.Event]) -> None:
        together: dict[str, list[UUID]] = defaultdict(list)
        for each in taken:
            if not isinstance(each, threading.Event):
                together[each[0]] += each[1]
        try:
            for task, ids in together.items():
                self._try(task, ids)
        finally:
            for each in taken:
                if isinstance(each, threading.Event):
                    each.set()

    def _try(self, task: str, ids: Sequence[UUID]) -> None:
        try:
            self._publish(task, ids)
        except Exception:  # a bug: it must not keep what others hand over from going
            logger.exception("publisher.not_published task=%s", task)


def _number_of_ids(handed: Handed | threading.Event) -> int:
    return 0 if isinstance(handed, threading.Event) else len(handed[1])
