"""What the audit log keeps of subscriptions; each row is written in the change's transaction."""

from __future__ import annotations

from typing import Any

from models_registry.observability.audit_log import AuditAction, changed, digested
from models_registry.services.audit import record
from subscriptions.models import EventSubscription


def seen(subscription: EventSubscription) -> dict[str, Any]:
    """Return what the log keeps of a subscription: of its payload, what tells it apart."""
    return {
        "source_model_id": subscription.source_id,
        "trigger_event": subscription.trigger_event,
        "target_model_id": subscription.target_id,
        "target_action": subscription.target_action,
        "input_source": subscription.input_source,
        "input": None if subscription.input is None else digested(subscription.input),
        "label": subscription.label,
        # As it is set and, where that was derived, as it effectively is.
        "state": subscription.state,
        "status": getattr(subscription, "effective_status", subscription.state),
        "accepted_target": subscription.accepted_target_fingerprint,
        "accepted_source": subscription.accepted_source_fingerprint,
    }


def record_start(subscription: EventSubscription) -> None:
    """Keep that a subscription was made."""
    _record(AuditAction.SUBSCRIPTION_CREATED, subscription, after=seen(subscription))


def record_change(subscription: EventSubscription, before: dict[str, Any]) -> None:
    """Keep what of a subscription is not as it was in `before`."""
    was, now = changed(before, seen(subscription))
    _record(AuditAction.SUBSCRIPTION_UPDATED, subscription, before=was, after=now)


def record_end(subscription: EventSubscription) -> None:
    """Keep that a subscription was deleted, and what it was."""
    _record(AuditAction.SUBSCRIPTION_DELETED, subscription, before=seen(subscription))


def record_acceptance(model_id: str, *, accepted: int, only_valid: bool) -> None:
    """Keep that some incoming subscriptions of a model were accepted: one row, with how many."""
    if accepted:
        after = {"accepted": accepted, "only_valid": only_valid}
        record(AuditAction.SUBSCRIPTION_ACCEPTED, model_id=model_id, after=after)


def _record(action: AuditAction, subscription: EventSubscription, **values: Any) -> None:
    record(action, model_id=subscription.source_id, subscription_id=subscription.pk, **values)
