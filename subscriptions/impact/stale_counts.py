"""How many subscriptions an update of a model makes stale, by the interfaces before and after."""

from __future__ import annotations

from typing import TypedDict

from django.db.models import Count, Q

from models_registry.json_types import NonNegativeInt
from models_registry.models import Action, Direction
from subscriptions.models import (
    EventSubscription,
    InputSource,
    SubscriptionStatus,
    TriggerEvent,
)
from subscriptions.services.interfaces import Interfaces

NONE = Q(pk__in=[])


class StaleCounts(TypedDict):
    """How many subscriptions are not stale before and are after, by the side that changes.

    One that is stale for both sides is in each. `total` counts every one once, and `active` those
    of them that stop firing. `ended` are stale before and not after.
    """

    target: NonNegativeInt
    source: NonNegativeInt
    total: NonNegativeInt
    active: NonNegativeInt
    ended: NonNegativeInt


def count_stale(*, model_id: str, old: Interfaces, new: Interfaces) -> StaleCounts:
    """Count what changes for the subscriptions that a model is a side of, in one query.

    The other side of each is taken as it is at present.
    """
    before = (
        _differs_for_others(model_id) | _target_side(model_id, old) | _source_side(model_id, old)
    )
    after_target, after_source = _target_side(model_id, new), _source_side(model_id, new)
    begins = ~before & (after_target | after_source)
    ends = before & ~(_differs_for_others(model_id) | after_target | after_source)
    counted = (
        EventSubscription.objects.with_status()
        .filter(Q(target=model_id) | Q(source=model_id))
        .exclude(state=SubscriptionStatus.STALE)
        .aggregate(
            # Not named as in the answer: `target` and `source` are columns.
            by_target=Count("pk", filter=~before & after_target),
            by_source=Count("pk", filter=~before & after_source),
            total=Count("pk", filter=begins),
            active=Count("pk", filter=begins & Q(state=SubscriptionStatus.ACTIVE)),
            ended=Count("pk", filter=ends),
        )
    )
    return {
        "target": counted["by_target"],
        "source": counted["by_source"],
        "total": counted["total"],
        "active": counted["active"],
        "ended": counted["ended"],
    }


def _target_side(model_id: str, interfaces: Interfaces) -> Q:
    differs = NONE
    for action in Action:
        fingerprint = interfaces[action, Direction.INPUT].fingerprint
        differs |= Q(target_action=action) & ~Q(accepted_target_fingerprint=fingerprint)
    return Q(target=model_id) & differs


def _source_side(model_id: str, interfaces: Interfaces) -> Q:
    differs = NONE
    for event in TriggerEvent:
        fingerprint = interfaces[event.action, Direction.OUTPUT].fingerprint
        differs |= Q(trigger_event=event) & ~Q(accepted_source_fingerprint=fingerprint)
    return Q(source=model_id, input_source=InputSource.TRIGGER_OUTPUT) & differs


def _differs_for_others(model_id: str) -> Q:
    """The sides that are other models, as they are."""
    return (~Q(target=model_id) & Q(target_differs=True)) | (
        ~Q(source=model_id) & Q(source_differs=True)
    )
