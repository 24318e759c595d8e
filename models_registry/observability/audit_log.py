"""The audit log: its entries, and the bounds of what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from django.db import models

from models_registry.db.json_field import JSONTextField
from models_registry.observability.actor import ActorKind
from models_registry.observability.redaction import redacted

# The largest field of `before` or `after`, as JSON; a larger one is replaced by size and hash.
FIELD_LIMIT_BYTES = 2048


class AuditAction(models.TextChoices):
    """What a change was: the thing, and what was done to it.

    Some changes have no audit entry, since other rows record them: the dispatch of a job, its end
    by a worker or a sweep, jobs that an event triggered (the entry of the event has their number),
    checks of stored payloads, and the training job of an update (the entry of the update names it).
    """

    MODEL_REGISTERED = "model.registered"
    MODEL_UPDATED = "model.updated"
    MODEL_DELETED = "model.deleted"
    VERSION_CREATED = "version.created"
    VERSION_STATUS_SET = "version.status_set"
    VERSION_ACTIVATED = "version.activated"
    VERSION_FAILED = "version.failed"
    JOB_REQUESTED = "job.requested"
    JOB_COMPLETED = "job.completed"
    JOB_CANCELLED = "job.cancelled"
    JOB_RETRIED = "job.retried"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_UPDATED = "subscription.updated"
    SUBSCRIPTION_DELETED = "subscription.deleted"
    SUBSCRIPTION_ACCEPTED = "subscription.accepted"


class AuditEntry(models.Model):
    """One change: who, what, when, before and after. Written once, in the change's transaction.

    It has no foreign keys, so that it outlives the rows that it is about.
    """

    created_at = models.DateTimeField()
    # An AuditAction.
    action = models.CharField(max_length=32)
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices)
    actor = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255, default="", blank=True)
    # What was changed; "" or None where the change has no such part.
    model_id = models.CharField(max_length=128, default="", blank=True)
    version = models.CharField(max_length=128, default="", blank=True)
    job_id = models.UUIDField(null=True)
    subscription_id = models.UUIDField(null=True)
    # The changed fields, each at most FIELD_LIMIT_BYTES; None where there was nothing.
    before = JSONTextField(null=True)
    after = JSONTextField(null=True)
    # The request id of the request or job that made the change, as in the logs.
    request_id = models.CharField(max_length=128, default="", blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            # Deletion by age, and the whole list; then the list narrowed by one of its filters.
            models.Index(fields=["created_at", "id"], name="audit_by_age"),
            models.Index(fields=["model_id", "created_at", "id"], name="audit_by_model"),
            models.Index(fields=["actor", "created_at", "id"], name="audit_by_actor"),
            models.Index(fields=["action", "created_at", "id"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.model_id}"


def bounded(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return `values` without secrets and with large values replaced.

    A large value becomes `{"bytes": 70000, "sha256": "..."}`: equal values have one hash, so
    that it still shows whether it changed.
    """
    if values is None:
        return None
    return {name: _bounded(value) for name, value in values.items()}


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that differ, with their values before and after."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def digested(value: Any) -> dict[str, Any]:
    """Return the size and the SHA-256 of a value, as JSON with sorted keys."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}


def _bounded(value: Any) -> Any:
    if len(orjson.dumps(value)) > FIELD_LIMIT_BYTES:
        return digested(value)
    return redacted(value)
