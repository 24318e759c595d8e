"""Writes the audit log: one row for each change, in the change's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.utils import timezone

from models_registry.db import rows
from models_registry.models import ModelVersion
from models_registry.observability.actor import present_actor
from models_registry.observability.audit_log import AuditAction, AuditEntry, bounded
from models_registry.observability.tracing import present_trace


class AuditFields(TypedDict, total=False):
    """The fields of an audit entry besides actor and time; a change has only some of them."""

    model_id: str
    version: str
    job_id: UUID | None
    subscription_id: UUID | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def record(action: AuditAction, **of: Unpack[AuditFields]) -> None:
    """Insert the audit entry of a change by the present actor; must be inside its transaction."""
    rows.insert(entry(action, **of))


def was_failed_by_training(version: ModelVersion) -> bool:
    """Return whether a failed version was failed by its training, and not withdrawn since.

    The success of another training that ran meanwhile then still counts. The audit log keeps
    entries for longer than a job can take. Must be inside a transaction that locks the version.
    """
    moves = (
        AuditAction.VERSION_FAILED,
        AuditAction.VERSION_STATUS_SET,
        AuditAction.VERSION_ACTIVATED,
    )
    of_version = AuditEntry.objects.filter(
        model_id=version.model_id, version=version.version, action__in=moves
    )
    # By id and not by time, since clocks of machines differ. A version moves only under the lock of
    # its model, so the ids of its entries are in order.
    last = of_version.order_by("id").values_list("action", flat=True).last()
    return last == AuditAction.VERSION_FAILED


def entry(action: AuditAction, **of: Unpack[AuditFields]) -> AuditEntry:
    """Return the unsaved audit entry of a change by the present actor.

    `before` and `after` hold the changed fields; large and secret values are replaced
    (`audit_log.bounded`). A change of many rows is one entry with their number.
    """
    actor = present_actor()
    return AuditEntry(
        created_at=timezone.now(),
        action=action.value,
        actor_kind=str(actor.kind),
        actor=actor.name,
        client_id=actor.client_id,
        model_id=of.get("model_id", ""),
        version=of.get("version", ""),
        job_id=of.get("job_id"),
        subscription_id=of.get("subscription_id"),
        before=bounded(of.get("before")),
        after=bounded(of.get("after")),
        request_id=present_trace().request_id,
    )
