"""The types that the subscriptions' operations answer, by their names in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from models_registry.contracts.compare.comparison import ChangeReport, Comparison, EdgeReport
from subscriptions.api.representations import (
    AcceptanceObject,
    RevalidationObject,
    SubscriptionObject,
    VersionChangesObject,
)
from subscriptions.impact.added_properties import PropertyReport
from subscriptions.impact.payload_checks import BrokenPayload, PayloadReport
from subscriptions.impact.preview import ContractCheck, Impact, InterfaceReport, StaleCounts
from subscriptions.services.graph import Graph, GraphEdge, Node
from subscriptions.services.staleness import StaleReason

TYPES: dict[str, Any] = {
    "EventSubscription": SubscriptionObject,
    "StaleReason": StaleReason,
    "Edge": EdgeReport,
    "Comparison": Comparison,
    "ContractChange": ChangeReport,
    "ContractCheck": ContractCheck,
    "Foretold": Impact,
    "InterfaceReport": InterfaceReport,
    "StaleCounts": StaleCounts,
    "PayloadReport": PayloadReport,
    "BrokenPayload": BrokenPayload,
    "NameReport": PropertyReport,
    "VersionChanges": VersionChangesObject,
    "Acceptance": AcceptanceObject,
    "Revalidation": RevalidationObject,
    "Graph": Graph,
    "GraphNode": Node,
    "GraphEdge": GraphEdge,
}
