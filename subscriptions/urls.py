"""The subscriptions' paths below /v2; none ends in a slash."""

from __future__ import annotations

from django.urls import path

from subscriptions.api.views import (
    ContractCheckViewSet,
    GraphViewSet,
    RevalidationViewSet,
    SubscriptionViewSet,
    VersionChangesViewSet,
)

MODEL = "models/<str:model_id>"

urlpatterns = [
    path("graph", GraphViewSet.as_view({"get": "retrieve"})),
    path(
        f"{MODEL}/event-subscriptions",
        SubscriptionViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        f"{MODEL}/event-subscriptions/<str:subscription_id>",
        SubscriptionViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path(f"{MODEL}/incoming-subscriptions", SubscriptionViewSet.as_view({"get": "list_incoming"})),
    path(f"{MODEL}/accept-subscriptions", SubscriptionViewSet.as_view({"post": "accept_incoming"})),
    path(f"{MODEL}/contract-check", ContractCheckViewSet.as_view({"post": "check"})),
    path(
        f"{MODEL}/versions/<str:model_version>/changes",
        VersionChangesViewSet.as_view({"get": "retrieve"}),
    ),
    path(f"{MODEL}/revalidations", RevalidationViewSet.as_view({"get": "list"})),
]
