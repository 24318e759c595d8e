"""The tables of revalidation: runs over stored payloads, and their chunks."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from models_registry.db.json_field import JSONTextField
from models_registry.models import Action, Model, new_id


class RevalidationStatus(models.TextChoices):
    """Where a run stands.

    pending -> running: a worker claimed its first chunk. running -> success: every payload was
    checked. running -> failed: a chunk killed one worker after another; the other chunks were
    checked. pending, running -> superseded: the interface changed again.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    SUPERSEDED = "superseded"
    FAILED = "failed"


OPEN_RUN = (RevalidationStatus.PENDING, RevalidationStatus.RUNNING)


class Revalidation(models.Model):
    """One run over the stored payloads of a model's action, after its input interface changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=9, choices=Action.choices)
    # The interface to check against; the run ends as superseded when the model has another one.
    fingerprint = models.CharField(max_length=64)
    # None when the contract was removed: the run clears the warnings.
    schema = JSONTextField(null=True)
    # The version that the update made.
    version = models.CharField(max_length=128)
    status = models.CharField(
        max_length=10, choices=RevalidationStatus.choices, default=RevalidationStatus.PENDING
    )
    # None until the first worker has counted.
    total = models.PositiveIntegerField(null=True)
    checked = models.PositiveIntegerField(default=0)
    invalid = models.PositiveIntegerField(default=0)
    # Why it failed, else "". The default is in the database for processes of the release before
    # this column.
    error = models.TextField(default="", db_default="", blank=True)
    # The last subscription of the chunk claimed last; None before the first.
    cursor = models.UUIDField(null=True)
    exhausted = models.BooleanField(default=False)
    # When the sweep should wake a worker for it; None when it has ended.
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["model", "-id"], name="revalidation_by_model"),
            models.Index(
                fields=["due_at"], name="revalidation_due", condition=Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.action} {self.version}"


class RevalidationChunk(models.Model):
    """Subscriptions that one worker is checking; the row is deleted when they are done."""

    run = models.ForeignKey(Revalidation, on_delete=models.CASCADE, related_name="chunks")
    # Exclusive; None is from the start.
    after = models.UUIDField(null=True)
    # Inclusive.
    until = models.UUIDField()
    claim = models.UUIDField()
    # How often a worker began to check it since findings were last recorded.
    attempts = models.PositiveSmallIntegerField(default=1, db_default=1)
    lease_until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["lease_until"], name="revalidation_chunk_lapsed")]

    def __str__(self) -> str:
        return f"{self.run_id} ..{self.until}"
