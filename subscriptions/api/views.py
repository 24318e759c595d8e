"""The subscriptions' operations; each makes one service call or one read."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from django.http.response import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from models_registry.api.etags import not_modified, precondition
from models_registry.api.idempotency import idempotent
from models_registry.api.pages import PAGING, page
from models_registry.api.queries import Query
from models_registry.api.responses import Response
from models_registry.api.serializers import DefinitionRequest
from models_registry.api.viewset import ApiViewSet
from models_registry.services.lookups import require_model
from subscriptions.api import representations as show
from subscriptions.api.openapi import operations
from subscriptions.api.serializers import (
    AcceptSubscriptionsRequest,
    SubscribeRequest,
    UpdateSubscriptionRequest,
)
from subscriptions.impact import preview, reports
from subscriptions.models import (
    EventSubscription,
    EventSubscriptionQuerySet,
    InputSource,
    Revalidation,
    SubscriptionStatus,
    TriggerEvent,
)
from subscriptions.services import accepting, edges, graph, lookups, subscribing
from subscriptions.services.graph import DEPTH_MAX

# The parameters of a list's query.
OUTGOING = (*PAGING, "status", "trigger_event", "target_model_id")
INCOMING = (*PAGING, "status", "trigger_event", "source_model_id")
READ = "read_models"
MANAGE = "manage_subscriptions"


class SubscriptionViewSet(ApiViewSet):
    """Subscriptions of a source model, and the same from the target's side."""

    scopes: ClassVar[dict[str, str]] = {
        "list": READ,
        "list_incoming": READ,
        "create": MANAGE,
        "retrieve": READ,
        "update": MANAGE,
        "destroy": MANAGE,
        "accept_incoming": MANAGE,
    }
    bodies: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {
        "create": SubscribeRequest,
        "update": UpdateSubscriptionRequest,
        "accept_incoming": AcceptSubscriptionsRequest,
    }

    @operations.list_subscriptions
    def list(self, request: Request, model_id: str) -> Response:
        return _subscription_page(request, lookups.outgoing(model_id), OUTGOING)

    @operations.list_incoming
    def list_incoming(self, request: Request, model_id: str) -> Response:
        return _subscription_page(request, lookups.incoming(model_id), INCOMING)

    @operations.create_subscription
    def create(self, request: Request, model_id: str) -> HttpResponseBase:
        if self.body["input_source"] == InputSource.TRIGGER_OUTPUT:
            # Slow, and so before the transaction of an Idempotency-Key.
            edges.cache_edge(
                source_id=model_id,
                trigger_event=self.body["trigger_event"],
                target_id=self.body["target_model_id"],
                target_action=self.body["target_action"],
            )
        return self._create(request, model_id=model_id)

    @idempotent
    def _create(self, request: Request, model_id: str) -> Response:
        made = subscribing.subscribe(source_id=model_id, **self.body)
        shown: Any = show.new_subscription_object(made)
        response = Response(
            shown, status=status.HTTP_201_CREATED, headers={"ETag": show.subscription_etag(made)}
        )
        path = f"/v2/models/{model_id}/event-subscriptions/{made.pk}"
        response["Location"] = request.build_absolute_uri(path)
        return response

    @operations.get_subscription
    def retrieve(self, request: Request, model_id: str, subscription_id: str) -> Response:
        found = lookups.get_subscription(model_id, UUID(subscription_id))
        return not_modified(request, show.subscription_etag(found)) or _shown(found)

    @operations.update_subscription
    def update(self, request: Request, model_id: str, subscription_id: str) -> Response:
        changed = subscribing.update_subscription(
            source_id=model_id,
            subscription_id=UUID(subscription_id),
            changes=self.body,
            precondition=_if_match(request),
        )
        return _shown(changed)

    @operations.delete_subscription
    def destroy(self, request: Request, model_id: str, subscription_id: str) -> Response:
        subscribing.unsubscribe(
            source_id=model_id,
            subscription_id=UUID(subscription_id),
            precondition=_if_match(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @operations.accept_subscriptions
    def accept_incoming(self, request: Request, model_id: str) -> Response:
        outcome = accepting.accept_incoming(model_id=model_id, **self.body)
        return Response(show.acceptance_object(outcome))


class ContractCheckViewSet(ApiViewSet):
    """What a planned update of a model would do."""

    scopes: ClassVar[dict[str, str]] = {"check": READ}
    costly = frozenset({"check"})
    bodies: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {"check": DefinitionRequest}

    @operations.check_contract
    def check(self, request: Request, model_id: str) -> Response:
        return Response(preview.check_update(model_id=model_id, **self.body))


class VersionChangesViewSet(ApiViewSet):
    """What the update that made a version did to others."""

    scopes: ClassVar[dict[str, str]] = {"retrieve": READ}

    @operations.get_model_version_changes
    def retrieve(self, request: Request, model_id: str, model_version: str) -> Response:
        found = reports.changes_of_version(model_id=model_id, version=model_version)
        return Response(show.version_changes_object(found))


class RevalidationViewSet(ApiViewSet):
    """The runs over a model's stored payloads."""

    scopes: ClassVar[dict[str, str]] = {"list": READ}

    @operations.list_revalidations
    def list(self, request: Request, model_id: str) -> Response:
        require_model(model_id)
        runs = Revalidation.objects.filter(model_id=model_id)
        rows, headers = page(request, runs, key=("-id",))
        return Response([show.revalidation_object(run) for run in rows], headers=headers)


class GraphViewSet(ApiViewSet):
    """What sets off what: models, and the subscriptions between them."""

    scopes: ClassVar[dict[str, str]] = {"retrieve": READ}
    read_query = frozenset({"retrieve"})
    costly = frozenset({"retrieve"})

    @operations.get_graph
    def retrieve(self, request: Request) -> Response:
        model_id, depth = _graph_parameters(request)
        found = graph.read_graph(model_id=model_id, depth=depth)
        return Response(show.graph_object(found))


def _subscription_page(
    request: Request, subscriptions: EventSubscriptionQuerySet, allowed: tuple[str, ...]
) -> Response:
    query = Query(request, allowed)
    narrowed = _filtered(query, subscriptions)
    rows, headers = page(request, narrowed, key=("id",), query=query)
    return Response(show.subscription_objects(rows), headers=headers)


def _shown(subscription: EventSubscription) -> Response:
    shown: Any = show.whole_subscription_object(subscription)
    return Response(shown, headers={"ETag": show.subscription_etag(subscription)})


def _if_match(request: Request) -> subscribing.Precondition:
    return lambda present: precondition(request, show.subscription_etag(present))


def _filtered(query: Query, subscriptions: EventSubscriptionQuerySet) -> EventSubscriptionQuerySet:
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


def _graph_parameters(request: Request) -> tuple[str | None, int]:
    """Return the query's `model_id` and `depth`. Raises InvalidQuery."""
    query = Query(request, ("model_id", "depth"))
    model_id = query.identifier("model_id")
    depth = query.number("depth", default=1, most=DEPTH_MAX)
    query.refuse_faults()
    return model_id, depth
