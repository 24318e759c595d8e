"""Handler types: one module for each, one small protocol; nothing outside names a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models_registry.errors import Fault
from models_registry.handlers.aws_lambda import LambdaHandler
from models_registry.handlers.protocol import (
    Accepted,
    Answered,
    CallError,
    Failed,
    Handler,
    Outcome,
    Refusal,
    Retry,
    Unknown,
)

__all__ = [
    "Accepted",
    "Answered",
    "CallError",
    "Failed",
    "Handler",
    "Outcome",
    "Refusal",
    "Retry",
    "Unknown",
    "check_handler",
    "handler_for",
    "handler_of",
    "is_synchronous",
]

HANDLERS: dict[str, Handler] = {"lambda": LambdaHandler()}


def handler_for(type: str) -> Handler:
    """Return the handler of a type that `check_handler` accepted."""
    return HANDLERS[type]


def handler_of(handlers: Mapping[str, Any], job_type: str) -> Handler:
    """Return the handler that jobs of this type get, of the handlers of a model or a version."""
    return handler_for(handlers[job_type]["type"])


def is_synchronous(handlers: Mapping[str, Any], job_type: str) -> bool:
    """Return whether the output of such a job comes back with the call of its handler.

    False for a type that this process does not know, after a downgrade: its call fails at once.
    """
    handler = HANDLERS.get(handlers[job_type]["type"])
    return handler is not None and handler.is_synchronous(job_type)


def check_handler(handler: Any) -> tuple[list[Fault], list[Fault]]:
    """Return the faults that make a handler malformed, and those for which it is refused here.

    Pointers are relative to the handler, such as "/arn"; "" is the handler itself.
    """
    if not isinstance(handler, dict):
        return [Fault("", "Must be an object.")], []
    kind = handler.get("type")
    if not isinstance(kind, str) or kind not in HANDLERS:
        return [Fault("/type", f"Must be one of: {', '.join(HANDLERS)}.")], []
    return HANDLERS[kind].faults(handler)
