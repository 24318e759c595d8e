"""Invoking functions: waited for, or queued and tried again as AWS does."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.lambda_endpoint.functions import Context, FunctionFailed, Functions

logger = logging.getLogger(__name__)

# Events that wait for a free place; beyond, callers are throttled.
QUEUE_LIMIT = 1000
# AWS tries a failed event again after one and after two minutes; here, in seconds.
RETRY_DELAYS_SECONDS = (1.0, 2.0)


class Throttled(Exception):
    """More invocations at once than the endpoint takes."""


@dataclass(frozen=True)
class Invocation:
    """One call of one function."""

    path: Path
    event: Any
    context: Context


class Invocations:
    """Runs functions in threads, `concurrency` of them at once."""

    def __init__(self, functions: Functions, *, concurrency: int, timeout_seconds: float) -> None:
        self.functions = functions
        self.timeout_seconds = timeout_seconds
        self._places = threading.BoundedSemaphore(concurrency)
        self._queued = threading.BoundedSemaphore(QUEUE_LIMIT)
        self._callers = ThreadPoolExecutor(concurrency, thread_name_prefix="lambda-call")
        self._events = ThreadPoolExecutor(concurrency, thread_name_prefix="lambda-event")
        self._under_way: set[Future[None]] = set()
        self._stopping = threading.Event()

    def answer(self, invocation: Invocation) -> Any:
        """Run a function and return what its handler returns.

        Raises Throttled, and FunctionFailed for whatever the handler raises or when it takes
        longer than the time-out.
        """
        if not self._places.acquire(blocking=False):
            raise Throttled
        future: Future[Any] = self._callers.submit(self._run, invocation)
        future.add_done_callback(lambda _: self._places.release())
        try:
            return future.result(timeout=self.timeout_seconds)
        except FutureTimeout:
            message = f"Task timed out after {self.timeout_seconds:.2f} seconds"
            raise FunctionFailed("Sandbox.Timedout", message, []) from None

    def queue(self, invocation: Invocation) -> None:
        """Have a function run in the background. Raises Throttled when too many wait."""
        if not self._queued.acquire(blocking=False):
            raise Throttled
        future = self._events.submit(self._run_event, invocation)
        self._under_way.add(future)
        future.add_done_callback(self._ended)

    def _ended(self, future: Future[None]) -> None:
        self._under_way.discard(future)
        self._queued.release()

    def stop(self, *, timeout_seconds: float = 0.0) -> None:
        """Begin nothing more, and give the events that run this time to end by themselves."""
        self._stopping.set()
        for pool in (self._callers, self._events):
            pool.shutdown(wait=False, cancel_futures=True)
        wait(list(self._under_way), timeout=timeout_seconds)

    def _run(self, invocation: Invocation) -> Any:
        return self.functions.run(invocation.path, invocation.event, invocation.context)

    def _run_event(self, invocation: Invocation) -> None:
        for delay in (*RETRY_DELAYS_SECONDS, None):
            try:
                self._run(invocation)
            except FunctionFailed as failure:
                name = invocation.context.function_name
                logger.warning("lambda.function_failed %s: %s", name, failure.error_type)
                if delay is None or self._stopping.wait(delay):
                    return
            else:
                return
