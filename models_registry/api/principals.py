"""Who is calling: what authentication hands to permissions and views."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal
from uuid import UUID

from models_registry.observability.actor import Actor, ActorKind

SCOPES = (
    "read_models",
    "manage_models",
    "run_training",
    "run_inference",
    "manage_subscriptions",
    "complete_jobs",
    "admin",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller that a token proves.

    `scopes` are without the configured prefix. `job_id` is set for the bearer of a job's callback
    token, who may complete that one job and nothing else.
    """

    subject: str
    client_id: str = ""
    scopes: frozenset[str] = field(default_factory=frozenset)
    is_human: bool = False
    is_admin: bool = False
    job_id: UUID | None = None
    is_authenticated: Literal[True] = True

    @property
    def caller(self) -> str:
        """A stable name for this caller, 64 characters, for keys and limits per caller."""
        # Neither part holds a line break, so no two callers have one text.
        return sha256(f"{self.client_id}\n{self.subject}".encode()).hexdigest()

    @property
    def actor(self) -> Actor:
        """This caller as the audit log names it."""
        if self.job_id is not None:
            return Actor(ActorKind.JOB, str(self.job_id))
        kind = ActorKind.PERSON if self.is_human else ActorKind.CLIENT
        return Actor(kind, self.subject, self.client_id)

    def may(self, scope: str) -> bool:
        """Tell whether this caller holds `scope`; a callback token holds none."""
        return self.is_admin or scope in self.scopes

    def may_complete(self, job_id: object) -> bool:
        """Tell whether this caller may report the end of the job `job_id` (a UUID or its text)."""
        if self.job_id is not None:
            return str(job_id).lower() == str(self.job_id)
        return self.may("complete_jobs")


def for_job(job_id: UUID) -> Principal:
    """Make the principal of a job's own callback token."""
    return Principal(subject=f"job:{job_id}", job_id=job_id)
