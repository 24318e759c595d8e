"""Circuit breakers: what keeps failing is left alone for a while, and then tried once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# The first pause, and the longest: each is twice as long as the one before. A function that is
# away for long so uses up few tries of the jobs that wait for it.
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 10.0


class CircuitBreaker:
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


@dataclass
class _Pause:
    seconds: float
    ends_at: float


class FunctionBreakers:
    """Which functions this process leaves alone now: those that failed for a passing reason.

    When a pause is over, one call is the trial: it ends the matter, or begins a longer pause. So
    a function that is away gets one call a second at most from each worker process, however many
    jobs wait for it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._pauses: dict[str, _Pause] = {}
        self._lock = threading.Lock()
        self._clock = clock

    def __bool__(self) -> bool:
        """Say whether there is anything to ask `allow` about."""
        if not self._pauses:
            return False
        # Whoever waited for a trial that nobody made, since no job was due, waits no longer.
        now = self._clock()
        with self._lock:
            for function, pause in list(self._pauses.items()):
                if now >= pause.ends_at + LONGEST_SECONDS:
                    del self._pauses[function]
        return bool(self._pauses)

    def failed(self, function: str) -> None:
        with self._lock:
            before = self._pauses.get(function)
            seconds = min(LONGEST_SECONDS, before.seconds * 2) if before else FIRST_SECONDS
            self._pauses[function] = _Pause(seconds, self._clock() + seconds)

    def answered(self, function: str) -> None:
        if self._pauses:
            with self._lock:
                self._pauses.pop(function, None)

    def allow(self, function: str) -> bool:
        """Say whether `function` may be called now; who may must do so, for it may be the trial."""
        with self._lock:
            pause, now = self._pauses.get(function), self._clock()
            if pause is None:
                return True
            if now < pause.ends_at:
                return False
            # Others wait as long again for what becomes of this one.
            pause.ends_at = now + pause.seconds
            return True

    def left_alone(self) -> list[str]:
        """Return the functions of which `allow` would say no now; asking counts as no trial."""
        now = self._clock()
        with self._lock:
            return [function for function, pause in self._pauses.items() if now < pause.ends_at]

    def seconds_left(self) -> float:
        """Return how long it is until a function may be tried again; 0 when all may be now."""
        now = self._clock()
        with self._lock:
            return min(
                (p.ends_at - now for p in self._pauses.values() if p.ends_at > now), default=0
            )


function_breakers = FunctionBreakers()
