"""The query parameters that narrow a list of subscriptions."""

from __future__ import annotations

from django.db.models import Q
from rest_framework.request import Request

from models_registry.api.paths import check_path
from models_registry.filters import choice_parameter
from subscriptions.models import EventSubscriptionQuerySet, SubscriptionStatus, TriggerEvent

OUTGOING = ("status", "trigger_event", "target_model_id")
INCOMING = ("status", "trigger_event", "source_model_id")


def filtered_subscriptions(
    request: Request, subscriptions: EventSubscriptionQuerySet, allowed: tuple[str, ...]
) -> EventSubscriptionQuerySet:
    """Narrow `subscriptions`, which have their status, by the query's parameters.

    `status` is the effective one. Raises InvalidRequest.
    """
    status = choice_parameter(request, "status", SubscriptionStatus.values)
    if status is not None:
        subscriptions = subscriptions.filter(Q(effective_status=status))
    event = choice_parameter(request, "trigger_event", TriggerEvent.values)
    if event is not None:
        subscriptions = subscriptions.filter(trigger_event=event)
    for name in {"source_model_id", "target_model_id"}.intersection(allowed):
        model_id = request.query_params.get(name)
        if model_id is not None:
            check_path({"model_id": model_id})
            subscriptions = subscriptions.filter(**{name.removesuffix("_model_id"): model_id})
    return subscriptions
