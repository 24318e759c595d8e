"""Look-ups of subscriptions by the ids in a path."""

from __future__ import annotations

from uuid import UUID

from models_registry.errors import NotFound
from models_registry.services.lookups import require_model
from subscriptions.models import EventSubscription, EventSubscriptionQuerySet


class SubscriptionNotFound(NotFound):
    code = "subscription_not_found"
    message = "The model has no such event subscription."


def outgoing(source_id: str) -> EventSubscriptionQuerySet:
    """Return the subscriptions to a model's events, with status. Raises ModelNotFound."""
    require_model(source_id)
    return with_models().filter(source_id=source_id)


def incoming(target_id: str) -> EventSubscriptionQuerySet:
    """Return the subscriptions that run a model, with status. Raises ModelNotFound."""
    require_model(target_id)
    return with_models().filter(target_id=target_id)


def with_models() -> EventSubscriptionQuerySet:
    """Return all subscriptions with their status and both their models loaded."""
    return EventSubscription.objects.with_status().select_related("source", "target")


def get_subscription(source_id: str, subscription_id: UUID) -> EventSubscription:
    """Return a subscription of a model. Raises SubscriptionNotFound."""
    found = with_models().filter(pk=subscription_id, source_id=source_id).first()
    if found is None:
        raise SubscriptionNotFound
    return found
