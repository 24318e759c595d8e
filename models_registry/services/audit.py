"""Writing the audit log: one row for a change, in the change's own transaction."""

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
    """What an entry says besides who and when; a change has only some of these."""

    model_id: str
    version: str
    job_id: UUID | None
    subscription_id: UUID | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def record(action: AuditAction, **of: Unpack[AuditFields]) -> None:
    """Keep a change: one insert, by whoever is acting; must be inside the change's transaction."""
    rows.insert(entry(action, **of))


def was_failed_by_training(version: ModelVersion) -> bool:
    """Say whether a failed version was failed by a training of it, and withdrawn by nobody since.

    Another training that ran meanwhile may still succeed, which then counts. The log keeps it for
    longer than a job can take. Must be inside a transaction that holds the version's row.
    """
    moves = (
        AuditAction.VERSION_FAILED,
        AuditAction.VERSION_STATUS_SET,
        AuditAction.VERSION_ACTIVATED,
    )
    of_version = AuditEntry.objects.filter(
        model_id=version.model_id, version=version.version, action__in=moves
    )
    # Not by the time, which each machine tells otherwise. Whoever moves a version holds its model,
    # so the numbers of its entries are in their order.
    last = of_version.order_by("id").values_list("action", flat=True).last()
    return last == AuditAction.VERSION_FAILED


def entry(action: AuditAction, **of: Unpack[AuditFields]) -> AuditEntry:
    """Return the row of a change by whoever is acting, to be inserted with what it tells of.

    `before` and `after` hold what the change touched; what is large or secret in them is
    replaced (`audit.bounded`). A change of many rows is one entry with their number.
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
