"""The query parameters that narrow a list of subscriptions."""

from __future__ import annotations

from django.db.models import Q
from rest_framework.request import Request

from models_registry.api.pages import PAGING
from models_registry.api.queries import Query
from subscriptions.models import EventSubscriptionQuerySet, SubscriptionStatus, TriggerEvent
from subscriptions.services.graph import DEPTH_MAX

OUTGOING = (*PAGING, "status", "trigger_event", "target_model_id")
INCOMING = (*PAGING, "status", "trigger_event", "source_model_id")


def filtered_subscriptions(
    query: Query, subscriptions: EventSubscriptionQuerySet
) -> EventSubscriptionQuerySet:
    """Narrow `subscriptions`, which have their status, by the query's well-formed parameters.

    `status` is the effective one.
    """
    wanted = {
        "effective_status": query.choice("status", SubscriptionStatus.values),
        "trigger_event": query.choice("trigger_event", TriggerEvent.values),
        "source": query.identifier("source_model_id"),
        "target": query.identifier("target_model_id"),
    }
    for name, value in wanted.items():
        if value is not None:
            subscriptions = subscriptions.filter(Q((name, value)))
    return subscriptions


def graph_parameters(request: Request) -> tuple[str | None, int]:
    """Return the query's `model_id` and `depth`. Raises InvalidQuery."""
    query = Query(request, ("model_id", "depth"))
    model_id = query.identifier("model_id")
    depth = query.number("depth", default=1, most=DEPTH_MAX)
    query.refuse_faults()
    return model_id, depth
