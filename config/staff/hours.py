"""Counts jobs by the hour of creation, which is the timestamp of their UUIDv7."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from config.staff.paging import COUNT_LIMIT, Count
from models_registry.db import bulk
from models_registry.db.sql import Sql
from models_registry.db.statements import key
from models_registry.models import Job, JobStatus

HOURS = 24
HOUR = timedelta(hours=1)
# The format of an hour in a URL.
FORMAT = "%Y-%m-%dT%H"
# In the order of stacking, from the bottom.
STATUSES = (JobStatus.SUCCESS, JobStatus.FAILURE, JobStatus.STARTED, JobStatus.PENDING)


class Hour(NamedTuple):
    """The number of jobs created in an hour, by status."""

    start: datetime
    counts: dict[str, Count]


def first_id(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of this time; older ids are smaller."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def first_hour() -> datetime:
    """Return the start of the oldest hour in the chart."""
    return this_hour() - (HOURS - 1) * HOUR


def parse(text: str) -> datetime | None:
    """Return the hour in a URL; None if there is none."""
    try:
        return datetime.strptime(text, FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def created_in(jobs: QuerySet[Job], hour: datetime) -> QuerySet[Job]:
    return jobs.filter(pk__gte=first_id(hour), pk__lt=first_id(hour + HOUR))


def created_since(jobs: QuerySet[Job], hour: datetime) -> QuerySet[Job]:
    return jobs.filter(pk__gte=first_id(hour))


def last_hours() -> list[Hour]:
    """Count the jobs of the last HOURS hours in one query; every count stops at the limit."""
    starts = [first_hour() + number * HOUR for number in range(HOURS)]
    pairs = [(start, status) for start in starts for status in STATUSES]
    conditions = (
        Sql(
            "status = %s AND id >= %s AND id < %s",
            (str(status), key(Job, first_id(start)), key(Job, first_id(start + HOUR))),
        )
        for start, status in pairs
    )
    counted = bulk.counts(Job, conditions, limit=COUNT_LIMIT + 1)
    found = dict(zip(pairs, counted, strict=True))
    return [
        Hour(start, {str(status): Count(found[start, status]) for status in STATUSES})
        for start in starts
    ]
