"""Following jobs: what is new and what has changed, by a few bounded queries at each look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from models_registry.models import OPEN_JOB, Job

# A transaction may commit a job that was made so long before; ids are looked at again until then.
OVERLAP = timedelta(seconds=10)
# Open jobs of which changes are noticed: the newest ones.
WATCHED_AT_MOST = 500
# New jobs that one look takes in; what is beyond is taken in by the next ones.
NEW_AT_MOST = 5_000

# What makes a job worth another line.
State = tuple[str, int]


class JobWatch:
    """Notices jobs of `jobs` that are made or change after it was begun."""

    def __init__(self, jobs: QuerySet[Job]) -> None:
        self._jobs = jobs
        # By id, in the order of ids: open jobs, and those that the overlap shows again.
        self._seen: dict[UUID, State] = {}
        self._floor = _first_id_of(timezone.now() - OVERLAP)
        recent = self._jobs.filter(pk__gte=self._floor).order_by("pk")
        opened = self._jobs.filter(status__in=OPEN_JOB).order_by("-pk")[:WATCHED_AT_MOST]
        for look in (opened, recent[:NEW_AT_MOST]):
            self._seen |= _states(look)

    def look(self) -> Iterator[UUID]:
        """Yield the ids of jobs that are new or have changed since the last look, in their order.

        Two queries, whatever there is.
        """
        changed = self._changed() | self._new()
        for pk in sorted(changed):
            if self._seen.get(pk) != changed[pk]:
                self._seen[pk] = changed[pk]
                yield pk
        self._forget()

    def _changed(self) -> dict[UUID, State]:
        watched = [pk for pk, (status, _) in self._seen.items() if status in OPEN_JOB]
        found = _states(self._jobs.filter(pk__in=watched))
        for pk in watched:
            if pk not in found:  # deleted
                del self._seen[pk]
        return found

    def _new(self) -> dict[UUID, State]:
        found = _states(self._jobs.filter(pk__gte=self._floor).order_by("pk")[:NEW_AT_MOST])
        reached = _first_id_of(timezone.now() - OVERLAP)
        # If there are more than one look reads, the next one begins where this one ended.
        self._floor = max(self._floor, min(reached, max(found, default=reached)))
        return found

    def _forget(self) -> None:
        """Keep the newest open jobs, and what the overlap will show again."""
        opened = sorted(
            (pk for pk, (status, _) in self._seen.items() if status in OPEN_JOB), reverse=True
        )
        kept = set(islice(opened, WATCHED_AT_MOST))
        self._seen = {pk: now for pk, now in self._seen.items() if pk in kept or pk >= self._floor}


def _states(jobs: QuerySet[Job]) -> dict[UUID, State]:
    rows = jobs.values_list("pk", "status", F("attempts") + F("throttled"))
    return {pk: (status, calls) for pk, status, calls in rows}


def _first_id_of(moment: datetime) -> UUID:
    """Return an id before all those made from `moment` on; a UUIDv7 begins with milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
