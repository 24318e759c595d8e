"""Why a subscription is stale, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

from django.db.models import Case, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

from models_registry.contracts.compare.comparison import ChangeReport
from models_registry.db.read_models import timestamp
from models_registry.json_types import Identifier, Timestamp
from models_registry.models import Action, Direction, InterfaceChange
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent

EVENT_ACTION = Case(
    *(When(trigger_event=event, then=Value(event.action.value)) for event in TriggerEvent)
)


Side = Literal["target", "source"]


class StaleReason(TypedDict):
    """One interface that is not as it was accepted, and the version that changed it first.

    `since` is the time of that update. `changes`, what differs by now, only where the subscription
    is read by itself.
    """

    side: Side
    action: Annotated[str, Action]
    direction: Annotated[str, Direction]
    version: Identifier
    since: Timestamp
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
    sides: tuple[Side, Side] = ("target", "source")
    return {
        pk: [
            _reason(side, changes[change_id])
            for side, change_id in zip(sides, (target, source), strict=True)
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


def _reason(side: Side, change: InterfaceChange) -> StaleReason:
    return {
        "side": side,
        "action": change.action,
        "direction": change.direction,
        "version": change.version,
        "since": timestamp(change.changed_at),
    }
