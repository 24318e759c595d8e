"""Gauges of jobs, read from the database for Prometheus; each query is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Count
from django.utils import timezone

from models_registry.models import Action, Dispatch, Job, JobStatus

# Open jobs are counted up to this number, so that a large backlog does not slow a scrape.
COUNT_LIMIT = 100_000


class Gauge(NamedTuple):
    """One value of a gauge; `labels` in the order of its names."""

    labels: tuple[str, ...]
    value: float


def open_jobs() -> list[Gauge]:
    """Return how many jobs are open, by type and status; counts at most COUNT_LIMIT of them."""
    seen = Job.objects.filter(due_at__isnull=False).values("pk")[:COUNT_LIMIT]
    rows = (
        Job.objects.filter(pk__in=seen)
        .values_list("job_type", "status")
        .order_by()
        .annotate(number=Count("pk"))
    )
    found = {(job_type, status): number for job_type, status, number in rows}
    return [
        Gauge((action, status), found.get((action, status), 0))
        for action in Action.values
        for status in (JobStatus.PENDING.value, JobStatus.STARTED.value)
    ]


def queue_ages() -> Iterator[Gauge]:
    """Yield how long the oldest pending job of each type has waited, in seconds; 0 without one."""
    now = timezone.now()
    for action in Action.values:
        pending = Job.objects.filter(status=JobStatus.PENDING, job_type=action)
        oldest = pending.order_by("pk").values_list("created_at", flat=True).first()
        age = (now - oldest).total_seconds() if oldest else 0.0
        yield Gauge((action,), max(0.0, age))


def overdue_jobs() -> int:
    """Return how many jobs are past their lease or deadline, which the sweep should have found."""
    late = Job.objects.filter(
        due_at__lt=timezone.now(), dispatch__in=(Dispatch.CLAIMED, Dispatch.DISPATCHED)
    )
    return len(late.values("pk")[:COUNT_LIMIT])
