"""What is found out in the background after a contract changed: runs over payloads, and reports."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from models_registry.fields import JSONTextField
from models_registry.models import Action, InterfaceChange, Model, new_id


class RevalidationStatus(models.TextChoices):
    """Where a run stands.

    pending -> running: a worker took its first chunk. running -> success: every payload was
    checked. running -> failed: a chunk took one worker after another with it; the others were
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
    # The interface to check against; the run ends as superseded when the model's is another.
    fingerprint = models.CharField(max_length=64)
    # None: the contract was removed, and the warnings are cleared.
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
    # Why it failed; "" unless it did. The default is the database's, for processes that run the
    # release before this column.
    error = models.TextField(default="", db_default="", blank=True)
    # The last subscription handed out in a chunk; None before the first.
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
    """A stretch of subscriptions that one worker is checking; gone when it is done."""

    run = models.ForeignKey(Revalidation, on_delete=models.CASCADE, related_name="chunks")
    # Exclusive; None is from the start.
    after = models.UUIDField(null=True)
    # Inclusive.
    until = models.UUIDField()
    claim = models.UUIDField()
    # How often somebody began to check it since something of it was recorded.
    attempts = models.PositiveSmallIntegerField(default=1, db_default=1)
    lease_until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["lease_until"], name="revalidation_chunk_lapsed")]

    def __str__(self) -> str:
        return f"{self.run_id} ..{self.until}"


class ReportStatus(models.TextChoices):
    """Where a report on an update stands.

    pending -> done: a worker has filled it in. pending -> failed: several have tried.
    """

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class UpdateReport(models.Model):
    """What an update that changed an interface did to others; filled in afterwards.

    The update writes this row and nothing else of it, however many there are to tell about.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+", db_index=False)
    # The version that the update made (or, on a pending model, changed in place).
    version = models.CharField(max_length=128)
    # The first and the last of the changes that the update recorded, by id: the interfaces before
    # and after it are read from there.
    first_change = models.ForeignKey(InterfaceChange, on_delete=models.CASCADE, related_name="+")
    last_change = models.ForeignKey(InterfaceChange, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(
        max_length=7, choices=ReportStatus.choices, default=ReportStatus.PENDING
    )
    # As `foretelling.Foretold`; None until it is done.
    report = JSONTextField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # The claim that may fill it in; a claim that lapsed has another one.
    claim = models.UUIDField(null=True)
    # When the sweep should wake a worker for it; None when it has ended.
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="pending", due_at__isnull=False, report__isnull=True)
                | Q(status="done", due_at__isnull=True, report__isnull=False)
                | Q(status="failed", due_at__isnull=True, report__isnull=True),
                name="report_has_ended_or_is_due",
            ),
        ]
        indexes = [
            models.Index(fields=["model", "version", "-last_change"], name="report_by_version"),
            models.Index(fields=["due_at"], name="report_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.version}"
