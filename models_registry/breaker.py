"""Leaving alone, for a while, what has been failing: nobody should wait for it again and again."""

from __future__ import annotations

import os
import threading
import time


class Breaker:
    """Counts failures in a row and says when not to try.

    After `failures` of them nothing is tried for `pause_seconds`. A process that was forked goes on
    with what was counted.
    """

    def __init__(self, *, failures: int, pause_seconds: float) -> None:
        self._make_lock()
        os.register_at_fork(after_in_child=self._make_lock)
        self._failures_allowed = failures
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._closed_again_at = 0.0

    def allows(self) -> bool:
        return time.monotonic() >= self._closed_again_at

    def record(self, *, success: bool) -> None:
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures >= self._failures_allowed:
                self._closed_again_at = time.monotonic() + self._pause_seconds

    def _make_lock(self) -> None:
        # Another thread may have held the old one at the moment of the fork, for ever.
        self._lock = threading.Lock()
