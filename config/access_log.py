"""The line that the log has of each request; in JSON, it is put together from parts seen before."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from config.logs import Record, is_short_and_plain
from models_registry.observability.redaction import is_harmless_json
from models_registry.observability.tracing import present_trace

NAME = "modelpact.access"
logger = logging.getLogger(NAME)
# Methods, routes and statuses are those of the code, so there are few; callers are many.
KEPT_ANSWERS, KEPT_CALLERS = 5000, 1000


class AccessRecord(Record):
    """The record of a request whose id was made here, and so is no text of a caller's."""

    method: str
    route: str
    status: int
    duration_ms: float
    caller: str
    client_id: str

    def in_json(self) -> str | None:
        """Return the whole line; None where some of it must be looked at first."""
        answer = _of_answer(self.method, self.route, self.status)
        caller = _of_caller(self.caller, self.client_id)
        if not (answer and caller):
            return None
        trace, time = present_trace(), datetime.fromtimestamp(self.created, UTC).isoformat()
        return (
            f'{{"time":"{time}",{answer},"duration_ms":{self.duration_ms},{caller},"request_id":'
            f'"{trace.request_id}","trace_id":"{trace.trace_id}","span_id":"{trace.span_id}"}}'
        )


def log_request(shown: dict[str, Any], *, is_made_here: bool) -> None:
    """Write a request's line: its method, route, status, duration_ms, caller and client_id.

    `is_made_here` says that its id was made here; `shown` may have more than that otherwise.
    """
    if logger.isEnabledFor(logging.INFO):
        message = f"{shown['method']} {shown['route']} {shown['status']}"
        kind = AccessRecord if is_made_here else Record
        record = kind(NAME, logging.INFO, "", 0, message, None, None)
        record.__dict__.update(shown)
        logger.handle(record)


@lru_cache(maxsize=KEPT_ANSWERS)
def _of_answer(method: str, route: str, status: int) -> str | None:
    return _members(
        level="INFO",
        logger=NAME,
        message=f"{method} {route} {status}",
        method=method,
        route=route,
        status=status,
    )


@lru_cache(maxsize=KEPT_CALLERS)
def _of_caller(caller: str, client_id: str) -> str | None:
    return _members(caller=caller, client_id=client_id)


def _members(**fields: str | int) -> str | None:
    """Return members of a JSON object; None where they may have to be changed to be written."""
    written = orjson.dumps(fields).decode()
    is_writable = is_short_and_plain(written) and is_harmless_json(written)
    return written[1:-1] if is_writable else None
