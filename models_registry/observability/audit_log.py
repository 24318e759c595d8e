"""The audit log: what a row of it holds, and how large that may be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from django.db import models

from models_registry.db.json_field import JSONTextField
from models_registry.observability.actor import ActorKind
from models_registry.observability.redaction import redacted

# One field of `before` or `after`, as JSON; a larger one stands there as size and fingerprint.
FIELD_LIMIT_BYTES = 2048


class AuditAction(models.TextChoices):
    """What a change was: the thing, and what was done to it.

    Not in the log, since rows of their own tell it: the dispatch of a job, its end by a worker or
    a sweep, jobs that an event triggered (their number is in the row of that event), the checks
    of stored payloads, and the training job of an update (it is in the row of the update).
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

    It refers to nothing, so that it outlives what it tells of.
    """

    created_at = models.DateTimeField()
    # An AuditAction.
    action = models.CharField(max_length=32)
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices)
    actor = models.CharField(max_length=255)
    client_id = models.CharField(max_length=255, default="", blank=True)
    # What it was done to; "" or None where the change has no such part.
    model_id = models.CharField(max_length=128, default="", blank=True)
    version = models.CharField(max_length=128, default="", blank=True)
    job_id = models.UUIDField(null=True)
    subscription_id = models.UUIDField(null=True)
    # What changed of it, each field at most FIELD_LIMIT_BYTES; None where there was nothing.
    before = JSONTextField(null=True)
    after = JSONTextField(null=True)
    # Of the request or job that made the change: what the logs call it.
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
    """Return `values` as a row keeps them: nothing secret, and nothing large.

    A large value becomes `{"bytes": 70000, "sha256": "..."}`: equal values have one hash, so
    that it still shows whether it changed.
    """
    if values is None:
        return None
    return {name: _bounded(value) for name, value in values.items()}


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of `before` is another in `after`, and what it is there."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def digested(value: Any) -> dict[str, Any]:
    """Return the size and the SHA-256 of a value (as JSON with sorted keys), in its place."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}


def _bounded(value: Any) -> Any:
    if len(orjson.dumps(value)) > FIELD_LIMIT_BYTES:
        return digested(value)
    return redacted(value)
