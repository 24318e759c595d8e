"""Fired jobs: what one event makes of its subscriptions, as the rows of one SQL statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from models_registry.db import bulk
from models_registry.db.sql import Sql
from models_registry.services.versions import TriggeredEvent


class FiredJob(NamedTuple):
    """The job of one subscription that fires, or the error for which it gets none.

    `subscription` and `job` are ids as text; `job` is "" with an error. `revision` is that of the
    subscription when this was decided. `synchronous` tells which workers to wake.
    """

    subscription: str
    job: str
    job_id: UUID | None
    revision: int
    version_id: int | None
    synchronous: bool
    error: str

    @property
    def entry(self) -> TriggeredEvent:
        """Its entry in the `triggered_events` of the answer."""
        entry = TriggeredEvent(subscription_id=self.subscription)
        if self.job:
            entry["job_id"] = self.job
        else:
            entry["error"] = self.error
        return entry


def rows_of(fired_jobs: Sequence[FiredJob]) -> Sql:
    """Return a FROM item named `fired` with a row for each fired job."""
    columns = {
        "subscription_id": "uuid",
        "job_id": "uuid",
        "version_id": "bigint",
        "error": "text",
        "revision": "int",
    }
    rows = [
        (job.subscription, job.job, job.version_id, job.error, job.revision) for job in fired_jobs
    ]
    return bulk.records("fired", columns, rows)
