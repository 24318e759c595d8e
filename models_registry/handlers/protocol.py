"""The protocol of handler types, and the outcomes of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired, Protocol, TypedDict

from models_registry.errors import Fault


class CallError(TypedDict):
    """Why a call did not lead to an answer.

    `code` is stable, such as "lambda_throttled"; `message` names the function; `type`,
    `details` and `reason` (the limit that was reached) are the other side's own texts.
    """

    code: str
    message: str
    type: NotRequired[str]
    details: NotRequired[str]
    reason: NotRequired[str]


@dataclass(frozen=True)
class Accepted:
    """The handler has the event and will call back."""

    request_id: str


@dataclass(frozen=True)
class Answered:
    """The handler has run; `output` is what it returned."""

    output: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The handler failed, or can't be called until somebody repairs something."""

    error: CallError


@dataclass(frozen=True)
class Retry:
    """The call did not reach the handler, for a reason that may pass.

    `throttled`: the other side works, and takes no more calls now.
    """

    error: CallError
    throttled: bool = False


@dataclass(frozen=True)
class Unknown:
    """The event was sent and nothing came back: the handler may be running."""

    error: CallError


Outcome = Accepted | Answered | Failed | Retry | Unknown


class Refusal(NamedTuple):
    """Why a handler can't be called from this host, and what to do about it."""

    message: str
    advice: str


class Handler(Protocol):
    """One type of handler, such as `lambda`; everything that differs between types is asked here.

    `named_by` is the member of such a handler that names what is called, a text: handlers with
    the same name are away or overloaded together. `schema_name` is the name of its schema in the
    OpenAPI document.
    """

    named_by: str
    schema_name: str

    def openapi_schema(self) -> dict[str, Any]:
        """Return the OpenAPI schema of such a handler; its `type` is a constant."""

    def faults(self, handler: dict[str, Any]) -> tuple[list[Fault], list[Fault]]:
        """Return the faults that make `handler` malformed, and those for which it is refused here.

        Pointers are relative to the handler, such as "/arn".
        """

    def is_synchronous(self, job_type: str) -> bool:
        """Return whether the output of such a job comes back with the call, not by a callback."""

    def longest_call_seconds(self, job_type: str) -> int:
        """Return how long a call may take; at most HANDLER_CALL_LIMIT_SECONDS.

        The claim of a job and the time limits of tasks go by it.
        """

    def max_event_bytes(self, job_type: str) -> int:
        """Return how large the event of such a job may be, in bytes."""

    def invoke(self, *, handler: dict[str, Any], event: bytes, job_type: str) -> Outcome:
        """Call the handler once; goes over the network, so it must be outside a transaction.

        Never raises for an error of the other side or of the network.
        """

    def dry_run(self, handler: dict[str, Any]) -> Refusal | None:
        """Ask the other side whether this host may call the handler, without running it.

        Returns None when it may. Goes over the network, so it must be outside a transaction.
        """
