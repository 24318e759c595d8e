"""How a job reaches the code that does it: one module per handler type, one small protocol."""

from __future__ import annotations

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
    "Retry",
    "Unknown",
    "check_handler",
    "handler_for",
]

HANDLERS: dict[str, Handler] = {"lambda": LambdaHandler()}


def handler_for(type: str) -> Handler:
    """Return the handler of a type that `check_handler` accepted."""
    return HANDLERS[type]


def check_handler(handler: Any) -> tuple[list[Fault], list[Fault]]:
    """Return what is malformed about a handler, and what is well-formed but refused here.

    Pointers are relative to the handler, such as "/arn"; "" is the handler itself.
    """
    if not isinstance(handler, dict):
        return [Fault("", "Must be an object.")], []
    kind = handler.get("type")
    if not isinstance(kind, str) or kind not in HANDLERS:
        return [Fault("/type", f"Must be one of: {', '.join(HANDLERS)}.")], []
    return HANDLERS[kind].faults(handler)
