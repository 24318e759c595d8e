"""The actor, a context variable: set by the API, admin, commands and workers for the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import models


class ActorKind(models.TextChoices):
    """What kind of caller made a change.

    client: a machine's token; `name` is its `sub`. person: a person's token. job: the callback
    token of the job `name`. staff: a user of the admin, by username. command: a user of this
    machine, at a prompt. worker: a worker or beat. system: the service itself, at its start.
    """

    CLIENT = "client"
    PERSON = "person"
    JOB = "job"
    STAFF = "staff"
    COMMAND = "command"
    WORKER = "worker"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change; `client_id` is the one of the token, "" where there is none."""

    kind: str
    name: str
    client_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


SYSTEM = Actor(ActorKind.SYSTEM, "system")
WORKER = Actor(ActorKind.WORKER, "worker")
_present: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def present_actor() -> Actor:
    """Return the present actor."""
    return _present.get()


def set_actor(actor: Actor) -> None:
    """Set the actor until the end of the enclosing `acting` block."""
    _present.set(actor)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Say who is acting inside the block, whatever is set within it; then as before."""
    before = _present.set(actor)
    try:
        yield
    finally:
        _present.reset(before)
