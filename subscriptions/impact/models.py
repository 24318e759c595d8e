"""The table of impact reports: what each update of an interface does to subscribers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from models_registry.db.json_field import JSONTextField
from models_registry.models import InterfaceChange, Model, new_id


class ReportStatus(models.TextChoices):
    """The state of a report on an update.

    pending -> done: a worker has filled it in. pending -> failed: too many attempts.
    """

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class UpdateReport(models.Model):
    """The impact of an update that changed an interface; filled in after the update.

    The update itself writes only the pending row, for any number of subscriptions.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+", db_index=False)
    # The version that the update made, or changed in place on a pending model.
    version = models.CharField(max_length=128)
    # The first and the last change that the update recorded, by id: they lead to the interfaces
    # before and after it.
    first_change = models.ForeignKey(InterfaceChange, on_delete=models.CASCADE, related_name="+")
    last_change = models.ForeignKey(InterfaceChange, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(
        max_length=7, choices=ReportStatus.choices, default=ReportStatus.PENDING
    )
    # As `preview.Impact`; None until it is done.
    report = JSONTextField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Only the holder of this claim may fill it in.
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
