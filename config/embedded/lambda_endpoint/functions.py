"""Loads functions, Python files with a `handler(event, context)`, and invokes them in threads."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Context:
    """The `context` argument of a handler, with the attribute names of Lambda."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    aws_request_id: str
    timeout_seconds: float
    memory_limit_in_mb: int = 128
    ends_at: float = 0.0

    def started(self) -> Context:
        """Return this context with its time-out starting now."""
        return replace(self, ends_at=time.monotonic() + self.timeout_seconds)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


class FunctionFailed(Exception):
    """The handler raised an exception; in Lambda's format."""

    def __init__(self, error_type: str, message: str, stack: list[str]) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.stack = stack

    def payload(self, request_id: str) -> dict[str, Any]:
        return {
            "errorMessage": self.message,
            "errorType": self.error_type,
            "requestId": request_id,
            "stackTrace": self.stack,
        }


class Functions:
    """The functions of one directory: `train-model` is `train-model.py` or `train_model.py`.

    A changed file is reloaded, so that a handler can be edited while the service runs. Files
    that begin with an underscore are not functions; handlers may import them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._loaded: dict[Path, tuple[int, ModuleType]] = {}

    def path(self, name: str) -> Path | None:
        """Return the file of a function; None if there is none."""
        if not NAME.fullmatch(name) or name.startswith("_"):
            return None
        for candidate in (name, name.replace("-", "_")):
            path = self.folder / f"{candidate}.py"
            if path.is_file():
                return path
        return None

    def run(self, path: Path, event: Any, context: Context) -> Any:
        """Run a function's handler. Raises FunctionFailed for any exception."""
        try:
            return self._handler(path)(event, context.started())
        except (Exception, SystemExit) as error:
            stack = traceback.format_tb(error.__traceback__)[1:]
            raise FunctionFailed(type(error).__name__, str(error), stack) from error

    def _handler(self, path: Path) -> Callable[[Any, Context], Any]:
        with self._lock:
            changed_at = path.stat().st_mtime_ns
            loaded = self._loaded.get(path)
            if loaded is None or loaded[0] != changed_at:
                loaded = (changed_at, self._load(path))
                self._loaded[path] = loaded
        handler: Callable[[Any, Context], Any] = loaded[1].handler
        return handler

    def _load(self, path: Path) -> ModuleType:
        if str(self.folder) not in sys.path:
            # In Lambda, the directory of the code is importable too.
            sys.path.append(str(self.folder))
        name = f"modelpact_function_{path.stem.replace('-', '_')}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


logger = logging.getLogger(__name__)

# How many events may wait; callers are throttled beyond that.
QUEUE_LIMIT = 1000
# AWS retries a failed event after one and after two minutes; here, after seconds.
RETRY_DELAYS_SECONDS = (1.0, 2.0)


class Throttled(Exception):
    """Too many concurrent invocations."""


@dataclass(frozen=True)
class Invocation:
    """One call of one function."""

    path: Path
    event: Any
    context: Context


class Invocations:
    """Runs functions in threads, `concurrency` of them at a time."""

    def __init__(self, functions: Functions, *, concurrency: int, timeout_seconds: float) -> None:
        self.functions = functions
        self.timeout_seconds = timeout_seconds
        self._slots = threading.BoundedSemaphore(concurrency)
        self._queued = threading.BoundedSemaphore(QUEUE_LIMIT)
        self._callers = ThreadPoolExecutor(concurrency, thread_name_prefix="lambda-call")
        self._events = ThreadPoolExecutor(concurrency, thread_name_prefix="lambda-event")
        self._running: set[Future[None]] = set()
        self._stopping = threading.Event()

    def invoke(self, invocation: Invocation) -> Any:
        """Run a function and return what its handler returns.

        Raises Throttled, or FunctionFailed if the handler raises or exceeds the time-out.
        """
        if not self._slots.acquire(blocking=False):
            raise Throttled
        future: Future[Any] = self._callers.submit(self._run, invocation)
        future.add_done_callback(lambda _: self._slots.release())
        try:
            return future.result(timeout=self.timeout_seconds)
        except FutureTimeout:
            message = f"Task timed out after {self.timeout_seconds:.2f} seconds"
            raise FunctionFailed("Sandbox.Timedout", message, []) from None

    def enqueue(self, invocation: Invocation) -> None:
        """Run a function in the background. Raises Throttled if too many wait."""
        if not self._queued.acquire(blocking=False):
            raise Throttled
        future = self._events.submit(self._run_event, invocation)
        self._running.add(future)
        future.add_done_callback(self._ended)

    def _ended(self, future: Future[None]) -> None:
        self._running.discard(future)
        self._queued.release()

    def stop(self, *, timeout_seconds: float = 0.0) -> None:
        """Start nothing more, and wait up to `timeout_seconds` for running events."""
        self._stopping.set()
        for pool in (self._callers, self._events):
            pool.shutdown(wait=False, cancel_futures=True)
        wait(list(self._running), timeout=timeout_seconds)

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
