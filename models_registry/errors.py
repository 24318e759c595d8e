"""The one way a service refuses: an error with a stable code, a status and every fault at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple, TypedDict

# Of one answer. Whoever looks for faults stops one later, so that the answer says there are more.
FAULTS_SHOWN = 100
FAULTS_SOUGHT = FAULTS_SHOWN + 1


class Fault(NamedTuple):
    """One thing that is wrong, and where.

    `path` is a JSON Pointer (RFC 6901) into the request body, such as
    "/handlers/training/arn"; "" is the whole body.
    """

    path: str
    message: str


class FaultObject(TypedDict):
    """One thing that is wrong, and where."""

    path: Annotated[str, "JSON Pointer (RFC 6901)."]
    message: str


class DomainError(Exception):
    """A refusal that changed nothing; `config.api.errors` renders it in the owed envelope.

    Subclasses stand beside the services that raise them and set `code` (snake_case, never
    changed once published), `status` (HTTP) and `message` (for a person).
    `retry_after_seconds`, when not None, becomes the `Retry-After` header.
    """

    code = "error"
    status = 400
    message = "The request was refused."
    retry_after_seconds: int | None = None

    def __init__(self, message: str | None = None, *, faults: Iterable[Fault] = ()) -> None:
        if message is not None:
            self.message = message
        self.faults = tuple(faults)
        super().__init__(self.message)


class InvalidRequest(DomainError):
    """The request is malformed: a wrong shape or type."""

    code = "invalid_request"
    status = 400
    message = "The request is malformed."


class NotFound(DomainError):
    """What the path names is not there."""

    code = "not_found"
    status = 404
    message = "Not found."


class Unprocessable(DomainError):
    """The request is well-formed but wrong in meaning."""

    code = "unprocessable"
    status = 422
    message = "The request is well-formed but can't be carried out."


class Conflict(DomainError):
    """The request conflicts with the present state."""

    code = "conflict"
    status = 409
    message = "The request conflicts with the present state."
