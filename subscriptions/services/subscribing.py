"""Creating, changing and deleting subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from models_registry.contracts import fingerprint
from models_registry.db.transactions import transactional
from models_registry.errors import Fault, Unprocessable
from models_registry.models import Action, Direction, Model, ModelVersion
from models_registry.services.jobs import payload_warnings
from models_registry.services.lookups import ModelNotFound, hold_model
from subscriptions.models import (
    EventSubscription,
    InputSource,
    SubscriptionStatus,
    TriggerEvent,
)
from subscriptions.services.audit import (
    record_change,
    record_creation,
    record_deletion,
    snapshot,
)
from subscriptions.services.lookups import SubscriptionNotFound, get_subscription
from subscriptions.services.loops import refuse_loop

# Called with the present subscription; raises to refuse the change (If-Match).
Precondition = Callable[[EventSubscription], None]


class TargetNotFound(Unprocessable):
    code = "target_not_found"
    message = "There is no model to run with this id."


class InputNotStored(Unprocessable):
    code = "input_not_stored"
    message = "This subscription hands on the triggering job's output; it stores no input."


def subscribe(
    *,
    source_id: str,
    trigger_event: str,
    target_model_id: str,
    target_action: str,
    input_source: str,
    input: dict[str, Any] | None,
    label: str | None,
) -> EventSubscription:
    """Create an active subscription that accepts the present interfaces; opens a transaction.

    `input` is None for trigger_output. A stored input that does not fit gives warnings. Raises
    ModelNotFound, TargetNotFound, LoopClosed.
    """
    source = Model.objects.filter(pk=source_id).first()
    if source is None:
        raise ModelNotFound
    target = Model.objects.filter(pk=target_model_id).first()
    if target is None:
        raise TargetNotFound(faults=[Fault("/target_model_id", TargetNotFound.message)])
    now = timezone.now()
    subscription = EventSubscription(
        source=source,
        target=target,
        trigger_event=trigger_event,
        target_action=target_action,
        input_source=input_source,
        label=label,
        created_at=now,
        updated_at=now,
    )
    _store_input(subscription, input)
    accept(subscription)
    _insert(subscription)
    return get_subscription(source_id, subscription.pk)


@transactional
def update_subscription(
    *,
    source_id: str,
    subscription_id: UUID,
    changes: dict[str, Any],
    precondition: Precondition | None = None,
) -> EventSubscription:
    """Change `input`, `label` or `status`, as `changes` has them; opens a transaction.

    `status` "active", or a new input, accepts the present interfaces; resuming checks for loops
    again. Raises SubscriptionNotFound, InputNotStored, LoopClosed, and what `precondition`
    raises.
    """
    if _accepts(changes):
        _hold_target(source_id, subscription_id)
    subscription = _lock(source_id, subscription_id)
    if precondition is not None:
        precondition(subscription)
    was, before = subscription.state, snapshot(subscription)
    _apply(subscription, changes)
    if subscription.state == SubscriptionStatus.ACTIVE != was:
        _refuse_loop_through(subscription)
    subscription.updated_at = timezone.now()
    subscription.save(force_update=True)
    present = get_subscription(source_id, subscription_id)
    record_change(present, before)
    return present


@transactional
def unsubscribe(
    *, source_id: str, subscription_id: UUID, precondition: Precondition | None = None
) -> None:
    """Delete a subscription with its triggers; opens a transaction.

    Raises SubscriptionNotFound, and what `precondition` raises.
    """
    subscription = _lock(source_id, subscription_id)
    if precondition is not None:
        precondition(subscription)
    record_deletion(subscription)
    subscription.delete()


def remember_input(version: ModelVersion, input: dict[str, Any]) -> None:
    """Subscribe a model to itself, to replay `input` after each training; once per distinct input.

    Must be inside a transaction. Raises LoopClosed.
    """
    digest = fingerprint(input)
    model = hold_model(version.model_id)
    if EventSubscription.objects.filter(source=model, replay_digest=digest).exists():
        return
    now = timezone.now()
    subscription = EventSubscription(
        source=model,
        target=model,
        trigger_event=TriggerEvent.TRAINING_COMPLETE,
        target_action=Action.INFERENCE,
        input_source=InputSource.STORED,
        replay_digest=digest,
        created_at=now,
        updated_at=now,
    )
    _store_input(subscription, input)
    accept(subscription)
    refuse_loop(start=(model.pk, Action.TRAINING), end=(model.pk, Action.INFERENCE))
    EventSubscription.objects.bulk_create([subscription], ignore_conflicts=True)
    if EventSubscription.objects.filter(pk=subscription.pk).exists():
        record_creation(subscription)


def accept(subscription: EventSubscription) -> None:
    """Set the accepted interfaces to the present ones of both models, as loaded.

    Changes only the object. If the source changes before the save, the subscription is rightly
    stale. The target must be locked until the save (`hold_model`): else a revalidation of a change
    might miss the subscription, which would keep warnings of the old contract.
    """
    target, action = subscription.target, subscription.target_action
    subscription.accepted_target_fingerprint = target.fingerprint(action, Direction.INPUT)
    if subscription.input_source == InputSource.TRIGGER_OUTPUT:
        subscription.accepted_source_fingerprint = subscription.source.fingerprint(
            subscription.event_action, Direction.OUTPUT
        )
    else:
        subscription.warnings = stored_warnings(subscription)
        subscription.has_warnings = bool(subscription.warnings)
    subscription.accepted_at = timezone.now()
    subscription.revision += 1
    if subscription.state == SubscriptionStatus.STALE:
        subscription.state = SubscriptionStatus.ACTIVE


def stored_warnings(subscription: EventSubscription) -> list[str]:
    """Return where a stored payload does not fit its target's present contract."""
    contracts = subscription.target.handler_contracts or {}
    schema = (contracts.get(subscription.target_action) or {}).get("input_schema")
    return payload_warnings(schema, subscription.input, "input")


def _store_input(subscription: EventSubscription, input: dict[str, Any] | None) -> None:
    subscription.input = input
    subscription.input_bytes = 0 if input is None else len(orjson.dumps(input))


def _set_replay_digest(subscription: EventSubscription) -> None:
    """Set the replay digest of a subscription made by `subscribe: true` to its present input.

    Its former input may then be stored again. The target, which is the source, must be locked.
    """
    if subscription.replay_digest is None:
        return
    digest = fingerprint(subscription.input)
    others = EventSubscription.objects.filter(
        source_id=subscription.source_id, replay_digest=digest
    ).exclude(pk=subscription.pk)
    subscription.replay_digest = None if others.exists() else digest


@transactional
def _insert(subscription: EventSubscription) -> None:
    try:
        target = hold_model(subscription.target_id)
    except ModelNotFound:
        raise TargetNotFound(faults=[Fault("/target_model_id", TargetNotFound.message)]) from None
    present = target.fingerprint(subscription.target_action, Direction.INPUT)
    if present != subscription.accepted_target_fingerprint:
        subscription.target = target
        accept(subscription)
    _refuse_loop_through(subscription)
    subscription.save(force_insert=True)
    record_creation(subscription)


def _apply(subscription: EventSubscription, changes: dict[str, Any]) -> None:
    if "input" in changes:
        if subscription.input_source != InputSource.STORED:
            raise InputNotStored(faults=[Fault("/input", InputNotStored.message)])
        _store_input(subscription, changes["input"])
        _set_replay_digest(subscription)
    if "label" in changes:
        subscription.label = changes["label"]
    if _accepts(changes):
        accept(subscription)
    if "status" in changes:
        subscription.state = changes["status"]


def _accepts(changes: dict[str, Any]) -> bool:
    return "input" in changes or changes.get("status") == SubscriptionStatus.ACTIVE


def _hold_target(source_id: str, subscription_id: UUID) -> None:
    """Lock a subscription's target, before the subscription's own row, as everywhere."""
    found = EventSubscription.objects.filter(pk=subscription_id, source_id=source_id)
    target_id = found.values_list("target_id", flat=True).first()
    if target_id is None:
        raise SubscriptionNotFound
    hold_model(target_id)


def _lock(source_id: str, subscription_id: UUID) -> EventSubscription:
    """Lock a subscription's row and return it with its status; must be inside a transaction."""
    locked = EventSubscription.objects.select_for_update(no_key=True).filter(
        pk=subscription_id, source_id=source_id
    )
    if not locked.values("pk").first():
        raise SubscriptionNotFound
    return get_subscription(source_id, subscription_id)


def _refuse_loop_through(subscription: EventSubscription) -> None:
    refuse_loop(
        start=(subscription.source_id, str(subscription.event_action)),
        end=(subscription.target_id, subscription.target_action),
    )
