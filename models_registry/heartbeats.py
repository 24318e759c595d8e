"""Signs of life: a row for each worker and for the sweep, which each renews while it lives."""

from __future__ import annotations

from django.db import models


class HeartbeatKind(models.TextChoices):
    """Whose sign of life it is: a worker's, or that of the sweep, whichever worker does it."""

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
