"""Why a subscription is stale, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from django.db.models import Case, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

from models_registry.contracts.compare.comparison import ChangeReport
from models_registry.db.read_models import timestamp
from models_registry.models import Direction, InterfaceChange
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent

EVENT_ACTION = Case(
    *(When(trigger_event=event, then=Value(event.action.value)) for event in TriggerEvent)
)


class StaleReason(TypedDict):
    """One interface that is not the accepted one any more.

    `version` is that of the update which changed it first after it was last as accepted, and
    `since` the time of that update. `changes` says what differs; only where one subscription is
    read by itself.
    """

    side: str
    action: str
    direction: str
    version: str
    since: str
    changes: NotRequired[list[ChangeReport]]


def stale_because(
    subscriptions: Sequence[EventSubscription],
) -> dict[UUID, list[StaleReason]]:
    """Return the reasons of those of `subscriptions` that are stale, by id; two queries for all.

    `subscriptions` come from `with_status()`. One that was set to stale by hand, and whose
    interfaces are those accepted, has an empty list.
    """
    stale = [sub.pk for sub in subscriptions if sub.effective_status == SubscriptionStatus.STALE]
    if not stale:
        return {}
    found = list(_first_changes(stale))
    ids = [change_id for _, *pair in found for change_id in pair if change_id]
    changes = InterfaceChange.objects.defer("definition").in_bulk(ids)
    return {
        pk: [
            _reason(side, changes[change_id])
            for side, change_id in (("target", target), ("source", source))
            if change_id
        ]
        for pk, target, source in found
    }


def _first_changes(ids: list[UUID]) -> Any:
    """Return (id, target's change, source's change) rows; None where a side does not differ."""
    stale = EventSubscription.objects.with_status().annotate(source_action=EVENT_ACTION)
    target = _first_change("target", "target_action", Direction.INPUT)
    source = _first_change("source", "source_action", Direction.OUTPUT)
    return (
        stale.filter(pk__in=ids)
        .annotate(
            target_change=Case(When(target_differs=True, then=target)),
            source_change=Case(When(source_differs=True, then=source)),
        )
        .values_list("pk", "target_change", "source_change")
    )


def _first_change(side: str, action: str, direction: str) -> Subquery:
    """Return the id of the change that came next after the interface was last as accepted."""
    accepted = InterfaceChange.objects.filter(
        model=OuterRef("model"),
        action=OuterRef("action"),
        direction=direction,
        fingerprint=OuterRef(OuterRef(f"accepted_{side}_fingerprint")),
    )
    last_accepted = Subquery(accepted.order_by("-id").values("id")[:1])
    changes = InterfaceChange.objects.filter(
        model=OuterRef(side),
        action=OuterRef(action),
        direction=direction,
        id__gt=Coalesce(last_accepted, 0),
    )
    return Subquery(changes.order_by("id").values("id")[:1])


def _reason(side: str, change: InterfaceChange) -> StaleReason:
    return {
        "side": side,
        "action": change.action,
        "direction": change.direction,
        "version": change.version,
        "since": timestamp(change.changed_at),
    }
