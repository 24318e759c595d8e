"""Staleness: which interfaces differ from the accepted ones, how, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

import orjson
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.db.utils import OperationalError

from models_registry.contracts.caches import BoundedCache
from models_registry.contracts.compare import compare
from models_registry.contracts.compare.comparison import ChangeReport
from models_registry.db.read_models import timestamp
from models_registry.db.transactions import limited
from models_registry.json_types import Identifier, Timestamp
from models_registry.models import Action, Direction, InterfaceChange
from models_registry.services.definitions import Interface
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent
from subscriptions.services.interfaces import accepted_interface, interface_of, schema_of

# Comparisons kept in memory, by the fingerprints of both interfaces.
KEPT, KEPT_BYTES = 512, 8 * 1024 * 1024
# The gauge counts up to this limit; on PostgreSQL it gives up after so many milliseconds.
COUNT_LIMIT = 10_000
COUNT_MILLISECONDS = 2_000

EVENT_ACTION = Case(
    *(When(trigger_event=event, then=Value(event.action.value)) for event in TriggerEvent)
)

_kept: BoundedCache[list[ChangeReport]] = BoundedCache(entries=KEPT, weight=KEPT_BYTES)


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
    """Return the reasons of the stale `subscriptions`, by id; two queries for all of them.

    `subscriptions` come from `with_status()`. The list is empty for one that was set to stale by
    hand and whose interfaces are the accepted ones.
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


def stale_subscriptions() -> int | None:
    """Count stale subscriptions for metrics, up to COUNT_LIMIT; None when that takes too long."""
    stale = EventSubscription.objects.with_status().filter(
        Q(effective_status=SubscriptionStatus.STALE)
    )
    try:
        with limited(COUNT_MILLISECONDS):
            return len(stale.order_by().values("pk")[:COUNT_LIMIT])
    except OperationalError:
        return None


def _first_changes(ids: list[UUID]) -> Any:
    """Return (id, target's change, source's change) rows; None for a side that does not differ."""
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
    """Return the id of the first change after the interface was last as accepted."""
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


def with_changes(subscription: EventSubscription, reason: StaleReason) -> StaleReason:
    """Return `reason` with the differences between the accepted interface and the present one.

    Both models of the subscription must be loaded. The first comparison of a pair of contracts may
    take seconds in another process: must be outside any transaction.
    """
    is_target = reason["side"] == "target"
    model = subscription.target if is_target else subscription.source
    fingerprint = (
        subscription.accepted_target_fingerprint
        if is_target
        else subscription.accepted_source_fingerprint
    )
    present = interface_of(model, reason["action"], reason["direction"])
    accepted = accepted_interface(model.pk, reason["action"], reason["direction"], fingerprint)
    return {**reason, "changes": _changes(accepted, present, reason["direction"])}


def _changes(accepted: Interface | None, present: Interface, direction: str) -> list[ChangeReport]:
    if accepted is None:
        return []
    key = f"{accepted.fingerprint}{present.fingerprint}{direction}"
    found = _kept.get(key)
    if found is None:
        found = _compare(accepted, present, direction)
        _kept.put(key, found, weight=len(orjson.dumps(found)))
    return found


def _compare(accepted: Interface, present: Interface, direction: Any) -> list[ChangeReport]:
    if accepted.is_schema or present.is_schema:
        schemas = schema_of(accepted), schema_of(present)
        return compare(*schemas, direction=direction, only_objects=True)["changes"]
    return [
        {
            "pointer": "",
            "keyword": "",
            "kind": "handler_changed",
            "message": f"There is no schema, and the handler is another one: it was"
            f" {_shown(accepted)} and is now {_shown(present)}.",
            "verdict": "unknown",
            "lenient_verdict": "unknown",
        }
    ]


def _shown(handler: Interface) -> str:
    return orjson.dumps(handler.definition).decode()
