"""Audit entries of subscriptions, each written in the transaction of the change."""

from __future__ import annotations

from typing import Any

from models_registry.observability.audit_log import AuditAction, changed, digested
from models_registry.services.audit import record
from subscriptions.models import EventSubscription


def snapshot(subscription: EventSubscription) -> dict[str, Any]:
    """Return a subscription as the audit log keeps it; of its payload only the digest."""
    return {
        "source_model_id": subscription.source_id,
        "trigger_event": subscription.trigger_event,
        "target_model_id": subscription.target_id,
        "target_action": subscription.target_action,
        "input_source": subscription.input_source,
        "input": None if subscription.input is None else digested(subscription.input),
        "label": subscription.label,
        # The status as set, and the effective one if it was derived.
        "state": subscription.state,
        "status": getattr(subscription, "effective_status", subscription.state),
        "accepted_target": subscription.accepted_target_fingerprint,
        "accepted_source": subscription.accepted_source_fingerprint,
    }


def record_creation(subscription: EventSubscription) -> None:
    """Record that a subscription was created."""
    _record(AuditAction.SUBSCRIPTION_CREATED, subscription, after=snapshot(subscription))


def record_change(subscription: EventSubscription, before: dict[str, Any]) -> None:
    """Record how a subscription differs from `before`."""
    was, now = changed(before, snapshot(subscription))
    _record(AuditAction.SUBSCRIPTION_UPDATED, subscription, before=was, after=now)


def record_deletion(subscription: EventSubscription) -> None:
    """Record that a subscription was deleted, with its last state."""
    _record(AuditAction.SUBSCRIPTION_DELETED, subscription, before=snapshot(subscription))


def record_acceptance(model_id: str, *, accepted: int, only_valid: bool) -> None:
    """Record in one entry how many incoming subscriptions of a model were accepted."""
    if accepted:
        after = {"accepted": accepted, "only_valid": only_valid}
        record(AuditAction.SUBSCRIPTION_ACCEPTED, model_id=model_id, after=after)


def _record(action: AuditAction, subscription: EventSubscription, **values: Any) -> None:
    record(action, model_id=subscription.source_id, subscription_id=subscription.pk, **values)
