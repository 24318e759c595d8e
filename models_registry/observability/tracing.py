"""Tracing: the request id and W3C trace of a request, which its jobs continue."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from uuid_utils import uuid7

# What may come from outside and stand in logs, headers and rows.
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
# https://www.w3.org/TR/trace-context-1/#traceparent-header; later versions may add more at the end.
TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.{0,200})?",
    re.ASCII,
)
# Whoever continues a trace that began here may record it.
SAMPLED = "01"


class Followed(Protocol):
    """A job, as it carries a trace from one process to another."""

    pk: UUID
    request_id: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The request id and trace of a piece of work; all are "" outside of one.

    `trace_id` (32 hex digits) is that of the whole trace, `span_id` (16) that of our part in it.
    `is_continued` is true when a caller's `traceparent` started it.
    """

    request_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    flags: str = SAMPLED
    is_continued: bool = False

    @property
    def traceparent(self) -> str:
        """The header or field by which others continue this trace; "" without one."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}" if self.trace_id else ""


# Ids only have to differ, and the system's randomness releases the GIL for each. Not Python's own
# generator, which a handler in this process may seed; seeded again in forked processes.
_random = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_random.seed)

NOTHING = Trace()
_present: ContextVar[Trace] = ContextVar("trace", default=NOTHING)


def present_trace() -> Trace:
    """Return the present trace."""
    return _present.get()


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Do what is in the block under `trace`; then as before."""
    before = _present.set(trace)
    try:
        yield trace
    finally:
        _present.reset(before)


def set_trace(trace: Trace) -> None:
    """Set the trace until the end of the enclosing `tracing` block."""
    _present.set(trace)


def trace_of_request(request_id: str, traceparent: str) -> Trace:
    """Return the trace of a request with these headers; malformed ones are ignored."""
    if not REQUEST_ID.fullmatch(request_id):
        request_id = str(uuid7())
    return _continued(request_id, traceparent) or Trace(request_id, *_ids())


def trace_of_job(job: Followed) -> Trace:
    """Return the trace of work on a job, which continues that of the request for it."""
    request_id = job.request_id or str(job.pk)
    return _continued(request_id, job.traceparent) or Trace(request_id, job.pk.hex, _span_id())


def continue_job(job: Followed) -> None:
    """Give a request that reports on a job the job's request id, and its trace.

    A `traceparent` that came with the request is kept: an instrumented handler sends one of the
    same trace. Does nothing outside a request.
    """
    present = present_trace()
    if present is NOTHING:
        return
    of_job = trace_of_job(job)
    if present.is_continued:
        of_job = replace(present, request_id=of_job.request_id)
    _present.set(of_job)


def _continued(request_id: str, traceparent: str) -> Trace | None:
    match = TRACEPARENT.fullmatch(traceparent)
    # Version 00 has nothing behind the flags.
    if match is None or (match[1] == "00" and match[5]):
        return None
    return Trace(request_id, match[2], _span_id(), match[4], is_continued=True)


def _ids() -> tuple[str, str]:
    """Return a trace's and a span's id; neither may be zero."""
    made = f"{_random.getrandbits(192):048x}"
    trace_id, span_id = made[:32], made[32:]
    return (trace_id, span_id) if trace_id.strip("0") and span_id.strip("0") else _ids()


def _span_id() -> str:
    while not (made := _random.getrandbits(64)):
        pass
    return f"{made:016x}"
