"""What the API shows of a subscription; a test holds it against the document."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import orjson

from models_registry.representations import timestamp
from subscriptions.models import EventSubscription, InputSource, Revalidation
from subscriptions.services.accepting import Acceptance
from subscriptions.services.staleness import StaleReason, stale_because


class SubscriptionObject(TypedDict):
    """The API page's Event subscription."""

    id: str
    source_model_id: str
    trigger_event: str
    target_model_id: str
    target_action: str
    input_source: str
    input: NotRequired[dict[str, Any]]
    label: str | None
    status: str
    created_at: str
    updated_at: str
    warnings: NotRequired[list[str]]
    stale_because: NotRequired[list[StaleReason]]


def subscription_objects(subscriptions: Sequence[EventSubscription]) -> list[SubscriptionObject]:
    """Return subscriptions with their status, as the API shows them."""
    reasons = stale_because(subscriptions)
    return [_object(sub, reasons.get(sub.pk)) for sub in subscriptions]


def subscription_object(subscription: EventSubscription) -> SubscriptionObject:
    """Return one subscription with its status, as the API shows it."""
    return subscription_objects([subscription])[0]


def subscription_etag(shown: SubscriptionObject) -> str:
    """Return the strong ETag of a subscription: parts of it are derived, so it is of the whole."""
    return f'"{hashlib.sha256(orjson.dumps(shown)).hexdigest()[:32]}"'


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
        shown["input"] = sub.input
    if sub.warnings:
        shown["warnings"] = sub.warnings
    if reasons is not None:
        shown["stale_because"] = reasons
    return shown


class LeftStaleObject(TypedDict):
    """How many subscriptions were not accepted, by the reason."""

    invalid: int
    trigger_output: int
    closing_loop: int


class AcceptanceObject(TypedDict):
    """What accepting a model's incoming subscriptions came to."""

    accepted: int
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
    """One run over the stored payloads; `total` is None until the first worker has counted."""

    id: str
    action: str
    version: str
    status: str
    total: int | None
    checked: int
    invalid: int
    created_at: str
    started_at: str | None
    finished_at: str | None


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
        "created_at": timestamp(run.created_at),
        "started_at": timestamp(run.started_at) if run.started_at else None,
        "finished_at": timestamp(run.finished_at) if run.finished_at else None,
    }
