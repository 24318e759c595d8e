"""A look before you leap: what a planned update of a model would do. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NotRequired, TypedDict

from django.conf import settings
from django.db.models import Q

from models_registry.contracts import check_payload
from models_registry.contracts.compare import Comparison, compare
from models_registry.models import Action, Direction, Model
from models_registry.services.definitions import Definition
from models_registry.services.lookups import get_model
from subscriptions.models import (
    EventSubscription,
    EventSubscriptionQuerySet,
    InputSource,
    SubscriptionStatus,
    TriggerEvent,
)

# How many payloads that would fail are shown, and how many faults of each.
EXAMPLES = 10
FAULTS_SHOWN = 5


class InterfaceReport(TypedDict):
    """What becomes of one interface; `comparison` is None where no schema is set at all."""

    action: str
    direction: str
    changes: bool
    comparison: Comparison | None


class StaleCounts(TypedDict):
    """How many subscriptions that are not stale now would be, by the side that changes."""

    target: int
    source: int


class BrokenPayload(TypedDict):
    """A stored payload that would not fit, and where."""

    subscription_id: str
    faults: list[dict[str, str]]


class NameReport(TypedDict):
    """A new property of an open object: stored payloads may carry its name already."""

    name: str
    carried: int
    broken: int


class PayloadReport(TypedDict):
    """The stored payloads of one action, held against the planned contract.

    `complete` is False when there are more than were checked.
    """

    action: str
    checked: int
    invalid: int
    complete: bool
    examples: list[BrokenPayload]
    names: NotRequired[list[NameReport]]


class Foretold(TypedDict):
    """The whole answer of a contract check."""

    interfaces: list[InterfaceReport]
    stale: StaleCounts
    payloads: list[PayloadReport]
    warnings: list[str]


def foretell(*, model_id: str, definition: Definition) -> Foretold:
    """Say what an update to `definition` would do; must be outside any transaction.

    Payloads are checked for real, up to CONTRACT_CHECK_PAYLOADS of each action. Raises
    ModelNotFound.
    """
    model, _ = get_model(model_id)
    interfaces = [_interface(model, definition, *key) for key in definition.interfaces]
    changed_inputs = [
        report
        for report in interfaces
        if report["changes"] and report["direction"] == Direction.INPUT
    ]
    return {
        "interfaces": interfaces,
        "stale": _stale(model, definition),
        "payloads": [_payloads(model, definition, report) for report in changed_inputs],
        "warnings": [
            f"The {report['action']} {report['direction']} schema can never accept anything."
            for report in interfaces
            if report["comparison"] and report["comparison"]["never_accepts"]
        ],
    }


def _interface(
    model: Model, definition: Definition, action: str, direction: str
) -> InterfaceReport:
    planned = definition.interfaces[action, direction]
    old = _schema(model.handler_contracts, action, direction)
    new = planned.definition if planned.is_schema else None
    changes = model.fingerprint(action, direction) != planned.fingerprint
    side: Any = str(direction)
    has_schema = old is not None or new is not None
    return {
        "action": str(action),
        "direction": side,
        "changes": changes,
        "comparison": compare(old, new, direction=side) if has_schema else None,
    }


def _stale(model: Model, definition: Definition) -> StaleCounts:
    fresh = EventSubscription.objects.with_status().filter(
        ~Q(effective_status=SubscriptionStatus.STALE)
    )
    by_target = Q(pk__in=[])
    by_source = Q(pk__in=[])
    for action in Action:
        planned = definition.interfaces[action, Direction.INPUT].fingerprint
        by_target |= Q(target_action=action) & ~Q(accepted_target_fingerprint=planned)
    for event in TriggerEvent:
        planned = definition.interfaces[event.action, Direction.OUTPUT].fingerprint
        by_source |= Q(trigger_event=event) & ~Q(accepted_source_fingerprint=planned)
    handed_on = Q(input_source=InputSource.TRIGGER_OUTPUT)
    return {
        "target": fresh.filter(by_target, target=model).count(),
        "source": fresh.filter(by_source & handed_on, source=model).count(),
    }


def _payloads(model: Model, definition: Definition, report: InterfaceReport) -> PayloadReport:
    action = report["action"]
    planned = definition.interfaces[action, Direction.INPUT]
    limit = settings.CONTRACT_CHECK_PAYLOADS
    stored = EventSubscription.objects.filter(
        target=model, target_action=action, input_source=InputSource.STORED
    )
    found: PayloadReport = {
        "action": action,
        "checked": 0,
        "invalid": 0,
        "complete": not stored.order_by("pk")[limit : limit + 1].exists(),
        "examples": [],
    }
    names = {name: NameReport(name=name, carried=0, broken=0) for name in _new_names(report)}
    schema = planned.definition if planned.is_schema else {}
    for subscription in _first(stored, limit):
        found["checked"] += 1
        faults = check_payload(schema, subscription.input, limit=FAULTS_SHOWN)
        _count_names(names, subscription.input, broken=bool(faults))
        if not faults:
            continue
        found["invalid"] += 1
        if len(found["examples"]) < EXAMPLES:
            shown = [{"path": path, "message": message} for path, message in faults]
            found["examples"].append({"subscription_id": str(subscription.pk), "faults": shown})
    if names:
        found["names"] = list(names.values())
    return found


def _first(stored: EventSubscriptionQuerySet, limit: int) -> Iterator[EventSubscription]:
    return stored.only("pk", "input").order_by("pk")[:limit].iterator(chunk_size=100)


def _new_names(report: InterfaceReport) -> list[str]:
    """Return the names that the planned schema lists at its top, and the present one does not."""
    comparison = report["comparison"]
    if comparison is None:
        return []
    added = (change for change in comparison["changes"] if change["kind"] == "property_added")
    pointers = (change["pointer"].removeprefix("/properties/") for change in added)
    return [
        pointer.replace("~1", "/").replace("~0", "~") for pointer in pointers if "/" not in pointer
    ]


def _count_names(names: dict[str, NameReport], payload: Any, *, broken: bool) -> None:
    for name in names.keys() & payload.keys():
        names[name]["carried"] += 1
        names[name]["broken"] += broken


def _schema(contracts: dict[str, Any] | None, action: str, direction: str) -> Any:
    return ((contracts or {}).get(action) or {}).get(f"{direction}_schema")
