"""What the API shows of a subscription, and the types that the OpenAPI document describes it by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, NotRequired, TypedDict, cast

import orjson

from models_registry.contracts.compare import EdgeReport
from models_registry.db.read_models import timestamp
from models_registry.json_types import Identifier, JSONObject, NonNegativeInt, Timestamp, UUIDText
from models_registry.models import Action, Direction
from subscriptions.impact.preview import Impact
from subscriptions.impact.reports import VersionChanges
from subscriptions.models import (
    EventSubscription,
    InputSource,
    ReportStatus,
    Revalidation,
    RevalidationStatus,
    SubscriptionStatus,
    TriggerEvent,
)
from subscriptions.services.accepting import Acceptance
from subscriptions.services.edges import edge_warnings, edges_of
from subscriptions.services.graph import Graph
from subscriptions.services.staleness import StaleReason, stale_because, with_changes


class SubscriptionObject(TypedDict):
    """When an event happens to the source, run an action of the target."""

    id: UUIDText
    source_model_id: Identifier
    trigger_event: Annotated[str, TriggerEvent]
    target_model_id: Identifier
    target_action: Annotated[str, Action]
    input_source: Annotated[str, InputSource]
    input: NotRequired[JSONObject]
    label: str | None
    status: Annotated[str, SubscriptionStatus]
    created_at: Timestamp
    updated_at: Timestamp
    warnings: NotRequired[list[str]]
    stale_because: NotRequired[list[StaleReason]]
    edge: NotRequired[EdgeReport]


def subscription_objects(subscriptions: Sequence[EventSubscription]) -> list[SubscriptionObject]:
    """Return subscriptions with their status, as lists show them; must be outside a transaction."""
    reasons, edges = stale_because(subscriptions), edges_of(subscriptions)
    return [
        _with_edge_warnings(_object(sub, reasons.get(sub.pk)), sub, edges.get(sub.pk))
        for sub in subscriptions
    ]


def subscription_object(subscription: EventSubscription) -> SubscriptionObject:
    """Return what one subscription shows without being compared with others' contracts."""
    return _object(subscription, stale_because([subscription]).get(subscription.pk))


def new_subscription_object(subscription: EventSubscription) -> SubscriptionObject:
    """Return one that was just made, with what is known of its edge; may be in a transaction."""
    edge = edges_of([subscription], seconds=0).get(subscription.pk)
    return _with_edge(subscription_object(subscription), subscription, edge)


def whole_subscription_object(subscription: EventSubscription) -> SubscriptionObject:
    """Return one subscription as the API shows it by itself; must be outside a transaction."""
    shown = subscription_object(subscription)
    if "stale_because" in shown:
        reasons = [with_changes(subscription, reason) for reason in shown["stale_because"]]
        shown["stale_because"] = reasons
    return _with_edge(shown, subscription, edges_of([subscription]).get(subscription.pk))


def subscription_etag(subscription: EventSubscription) -> str:
    """Return the strong ETag of a subscription, without making what it is of.

    What is shown follows from the subscription and from the interfaces on both sides.
    """
    source, target = subscription.source, subscription.target
    state = [
        subscription_object(subscription),
        source.fingerprint(subscription.event_action, Direction.OUTPUT),
        target.fingerprint(subscription.target_action, Direction.INPUT),
    ]
    return f'"{hashlib.sha256(orjson.dumps(state)).hexdigest()[:32]}"'


def _with_edge(
    shown: SubscriptionObject, sub: EventSubscription, edge: EdgeReport | None
) -> SubscriptionObject:
    shown = _with_edge_warnings(shown, sub, edge)
    if edge is not None:
        shown["edge"] = edge
    return shown


def _with_edge_warnings(
    shown: SubscriptionObject, sub: EventSubscription, edge: EdgeReport | None
) -> SubscriptionObject:
    warnings = [] if edge is None else edge_warnings(sub, edge)
    if warnings:
        shown["warnings"] = [*shown.get("warnings", []), *warnings]
    return shown


def _object(sub: EventSubscription, reasons: list[StaleReason] | None) -> SubscriptionObject:
    shown: SubscriptionObject = {
        "id": str(sub.pk),
        "source_model_id": sub.source_id,
        "trigger_event": sub.trigger_event,
        "target_model_id": sub.target_id,
        "target_action": sub.target_action,
        "input_source": sub.input_source,
        "label": sub.label,
        "status": sub.effective_status,
        "created_at": timestamp(sub.created_at),
        "updated_at": timestamp(sub.updated_at),
    }
    if sub.input_source == InputSource.STORED:
        shown["input"] = cast("dict[str, Any]", sub.input)
    if sub.warnings:
        shown["warnings"] = sub.warnings
    if reasons is not None:
        shown["stale_because"] = reasons
    return shown


class LeftStaleObject(TypedDict):
    """How many subscriptions are still stale, by the reason.

    Payloads that do not fit the contract; those without a stored payload; those set to stale by
    hand that would close a loop.
    """

    invalid: NonNegativeInt
    trigger_output: NonNegativeInt
    closing_loop: NonNegativeInt


class AcceptanceObject(TypedDict):
    """How many subscriptions were accepted, and how many are still stale, by the reason."""

    accepted: NonNegativeInt
    left_stale: LeftStaleObject


def acceptance_object(outcome: Acceptance) -> AcceptanceObject:
    """Return the outcome of accepting as the API shows it."""
    return {
        "accepted": outcome.accepted,
        "left_stale": {
            "invalid": outcome.invalid,
            "trigger_output": outcome.trigger_output,
            "closing_loop": outcome.closing_loop,
        },
    }


class RevalidationObject(TypedDict):
    """One run over the stored payloads after a contract changed.

    `total` is null until the first worker has counted. `error` says why it `failed`: checking some
    of the payloads took one worker after another with it.
    """

    id: UUIDText
    action: Annotated[str, Action]
    version: Identifier
    status: Annotated[str, RevalidationStatus]
    total: NonNegativeInt | None
    checked: NonNegativeInt
    invalid: NonNegativeInt
    error: str | None
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None


def revalidation_object(run: Revalidation) -> RevalidationObject:
    """Return a run as the API shows it."""
    return {
        "id": str(run.pk),
        "action": run.action,
        "version": run.version,
        "status": run.status,
        "total": run.total,
        "checked": run.checked,
        "invalid": run.invalid,
        "error": run.error or None,
        "created_at": timestamp(run.created_at),
        "started_at": timestamp(run.started_at) if run.started_at else None,
        "finished_at": timestamp(run.finished_at) if run.finished_at else None,
    }


class VersionChangesObject(TypedDict):
    """What the update that made a version did; `report` is null until it is `done`."""

    version: Identifier
    status: Annotated[str, ReportStatus]
    created_at: Timestamp
    finished_at: Timestamp | None
    report: Impact | None


def version_changes_object(found: VersionChanges) -> VersionChangesObject:
    """Return the changes of a version as the API shows them."""
    return {
        "version": found.version,
        "status": found.status,
        "created_at": timestamp(found.created_at),
        "finished_at": timestamp(found.finished_at) if found.finished_at else None,
        "report": found.impact,
    }


def graph_object(graph: Graph) -> dict[str, Any]:
    """Return a graph as the API shows it."""
    return asdict(graph)
