"""Heartbeats: a row for each worker and for the sweep, renewed while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

# The row of a worker that was killed (kill -9) is kept so long, to be seen by operators.
KEPT = timedelta(hours=1)
SWEEP = "sweep"


class HeartbeatKind(models.TextChoices):
    """Whose heartbeat it is: a worker's, or that of the sweep, whichever worker makes it."""

    WORKER = "worker"
    SWEEP = "sweep"


class Heartbeat(models.Model):
    """When a worker, or the sweep, was last seen, by the database's clock."""

    # A worker's own name, such as "dispatch@host".
    name = models.CharField(primary_key=True, max_length=255)
    kind = models.CharField(max_length=6, choices=HeartbeatKind.choices)
    # What a worker consumes, with commas between; "" for others.
    queues = models.CharField(max_length=500, default="", blank=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


def beat(name: str, kind: HeartbeatKind, queues: Sequence[str] = ()) -> None:
    """Renew the heartbeat of `name`; also deletes heartbeats that are an hour old."""
    heartbeat = Heartbeat(name=name[:255], kind=kind, queues=",".join(queues)[:500], seen_at=Now())
    Heartbeat.objects.bulk_create(
        [heartbeat],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["kind", "queues", "seen_at"],
    )
    Heartbeat.objects.filter(seen_at__lt=Now() - KEPT).delete()


def beat_of_sweep() -> None:
    """Renew the heartbeat of the sweep."""
    beat(SWEEP, HeartbeatKind.SWEEP)


def end(name: str) -> None:
    """Delete the heartbeat of a worker that has stopped as it should."""
    Heartbeat.objects.filter(name=name[:255]).delete()


def queue_ages() -> dict[str, float]:
    """Return for each queue that has workers how long ago one of them was seen, in seconds."""
    ages: dict[str, float] = {}
    rows = Heartbeat.objects.filter(kind=HeartbeatKind.WORKER).order_by("seen_at")
    # The worker seen last comes last. The database's clock wrote the rows and gives their age.
    for queues, seen_at, now in rows.annotate(now=Now()).values_list("queues", "seen_at", "now"):
        ages |= dict.fromkeys(queues.split(","), (now - seen_at).total_seconds())
    return ages


def sweep_age() -> float | None:
    """Return how long ago the last sweep was, in seconds; None without one in the last hour."""
    rows = Heartbeat.objects.filter(name=SWEEP).annotate(now=Now())
    for seen_at, now in rows.values_list("seen_at", "now"):
        return float((now - seen_at).total_seconds())
    return None
