"""Circuit breakers: what keeps failing is not called for a while, and then tried once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from enum import Enum

Clock = Callable[[], float]

# The first pause after a function failed, and the longest: each is twice as long as the one
# before. A function that is away for long uses up few tries of the jobs that wait for it.
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 10.0


class State(Enum):
    """CLOSED: calls go through. OPEN: they don't. HALF_OPEN: the next call is the trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitBreaker:
    """Opens after `failures` in a row, and lets one trial call through after a pause.

    closed -> open: too many calls failed. open -> half-open: the pause is over. half-open -> open:
    a trial call began, whose result the others wait for during one more pause, or the trial failed,
    and the next pause is twice as long, up to `longest_seconds`. * -> closed: a call succeeded.
    A forked process continues with the counts of its parent.
    """

    def __init__(
        self,
        *,
        failures: int = 1,
        pause_seconds: float = FIRST_SECONDS,
        longest_seconds: float | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._failures_allowed = failures
        self._first_seconds = pause_seconds
        self._longest_seconds = longest_seconds or pause_seconds
        self._clock = clock
        self._failures, self._pause_seconds, self._open_until = 0, pause_seconds, 0.0

    @property
    def state(self) -> State:
        if self._failures < self._failures_allowed:
            return State.CLOSED
        return State.OPEN if self._clock() < self._open_until else State.HALF_OPEN

    def allow(self) -> bool:
        """Return whether to call now; a caller that is allowed to must do so and record it."""
        with _lock:
            state = self.state
            if state is State.HALF_OPEN:
                self._open_until = self._clock() + self._pause_seconds
            return state is not State.OPEN

    def record(self, *, success: bool) -> None:
        with _lock:
            if success:
                self._failures, self._pause_seconds = 0, self._first_seconds
                return
            self._failures += 1
            if self._failures > self._failures_allowed:
                self._pause_seconds = min(self._longest_seconds, self._pause_seconds * 2)
            if self._failures >= self._failures_allowed:
                self._open_until = self._clock() + self._pause_seconds

    def seconds_left(self) -> float:
        """Return how long the breaker stays open; 0 when it is not open."""
        return max(0.0, self._open_until - self._clock()) if self.state is State.OPEN else 0.0

    def is_unused(self) -> bool:
        """Return whether nobody made the trial call for a whole longest pause."""
        return self._clock() >= self._open_until + self._longest_seconds


class FunctionBreakers:
    """The circuit breakers of the functions that failed for a passing reason in this process.

    A function that is away gets at most one call a second from each worker process, however many
    jobs wait for it.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._breakers: dict[str, CircuitBreaker] = {}
        self._clock = clock

    def __bool__(self) -> bool:
        """Return whether `allow` could refuse a function; forgets those that no job calls."""
        for function, breaker in list(self._breakers.items()):
            if breaker.is_unused():
                self._breakers.pop(function, None)
        return bool(self._breakers)

    def record(self, function: str, *, success: bool) -> None:
        if success:
            self._breakers.pop(function, None)
            return
        breaker = CircuitBreaker(longest_seconds=LONGEST_SECONDS, clock=self._clock)
        self._breakers.setdefault(function, breaker).record(success=False)

    def allow(self, function: str) -> bool:
        """As `CircuitBreaker.allow`, for the breaker of a function."""
        breaker = self._breakers.get(function)
        return breaker is None or breaker.allow()

    def open_functions(self) -> list[str]:
        """Return the functions that may not be called now; makes no trial of the others."""
        breakers = list(self._breakers.items())
        return [function for function, each in breakers if each.state is State.OPEN]

    def seconds_left(self) -> float:
        """Return how long it takes until the first function may be tried; 0 when one may be now."""
        left = (breaker.seconds_left() for breaker in list(self._breakers.values()))
        return min((seconds for seconds in left if seconds), default=0.0)


# One lock for all: it is held for microseconds. A forked process makes a new one, since a thread
# that does not exist there may hold the old one.
_lock = threading.Lock()


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock)

function_breakers = FunctionBreakers()
