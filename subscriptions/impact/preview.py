"""The impact of an update on subscribers: previewed before it, and reported after it.

`preview_update` serves both. It gets the interfaces before and after the update, planned or made,
and only reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from django.db.models import Count, Q

from models_registry.contracts.compare import Comparison, compare
from models_registry.db.read_models import model_etag
from models_registry.json_types import Identifier, NonNegativeInt
from models_registry.models import INTERFACES, Action, Direction
from models_registry.services.definitions import Definition, Interface
from models_registry.services.lookups import get_model
from subscriptions.impact.payload_checks import PayloadReport, check_payloads
from subscriptions.models import EventSubscription, InputSource, SubscriptionStatus, TriggerEvent
from subscriptions.services.interfaces import Interfaces, interfaces_of, schema_of


class InterfaceReport(TypedDict):
    """What becomes of one interface, which is the schema or, without one, the handler.

    No comparison where it does not change, or where there is no schema on either side.
    """

    action: Annotated[str, Action]
    direction: Annotated[str, Direction]
    changes: bool
    before: Literal["schema", "handler"]
    after: Literal["schema", "handler"]
    comparison: Comparison | None


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


class Impact(TypedDict):
    """What an update does to others: by interface, by subscription, by stored payload."""

    interfaces: list[InterfaceReport]
    stale: StaleCounts
    payloads: list[PayloadReport]
    warnings: list[str]


class Against(TypedDict):
    """The state it was checked against.

    With `etag` in its `If-Match` the update is refused if there is another by then.
    """

    version: Identifier
    etag: str


class ContractCheck(Impact):
    """What a planned update would do."""

    against: Against


def check_update(*, model_id: str, definition: Definition) -> ContractCheck:
    """Return the impact of an update to `definition`; writes nothing. Raises ModelNotFound.

    Must be outside any transaction: it may take seconds.
    """
    model, newest = get_model(model_id)
    impact = preview_update(model_id=model_id, old=interfaces_of(model), new=definition.interfaces)
    return {
        "against": {"version": newest.version, "etag": model_etag(model, newest)},
        **impact,
    }


def preview_update(*, model_id: str, old: Interfaces, new: Interfaces) -> Impact:
    """Return the impact when a model's interfaces `old` become `new`; writes nothing.

    Must be outside any transaction: it may take seconds.
    """
    compared = {
        (str(action), str(way)): _compare(old[action, way], new[action, way], way)
        for action, way in INTERFACES
    }
    changed = [key for key in compared if old[key].fingerprint != new[key].fingerprint]
    return {
        "interfaces": [
            _report(key, old[key], new[key], compared[key] if key in changed else None)
            for key in compared
        ],
        "stale": _count_stale(model_id=model_id, old=old, new=new),
        "payloads": [
            check_payloads(
                model_id=model_id,
                action=key[0],
                old=old[key],
                new=new[key],
                comparison=compared[key],
            )
            for key in changed
            if key[1] == Direction.INPUT
        ],
        "warnings": [
            f"The {action} {direction} schema can never accept anything: every {direction} is an"
            " object, and it takes none."
            for (action, direction), comparison in compared.items()
            if comparison is not None and comparison["never_accepts"]
        ],
    }


def unchanged(interfaces: Interfaces) -> Impact:
    """Return the empty impact of an update that changes no interface."""
    return {
        "interfaces": [_report(key, each, each, None) for key, each in interfaces.items()],
        "stale": {"target": 0, "source": 0, "total": 0, "active": 0, "ended": 0},
        "payloads": [],
        "warnings": [],
    }


def _compare(old: Interface, new: Interface, direction: Direction) -> Comparison | None:
    if not (old.is_schema or new.is_schema):
        return None
    way: Any = str(direction)
    return compare(schema_of(old), schema_of(new), direction=way, only_objects=True)


def _report(
    key: tuple[str, str], old: Interface, new: Interface, comparison: Comparison | None
) -> InterfaceReport:
    return {
        "action": key[0],
        "direction": key[1],
        "changes": old.fingerprint != new.fingerprint,
        "before": "schema" if old.is_schema else "handler",
        "after": "schema" if new.is_schema else "handler",
        "comparison": comparison,
    }


def _count_stale(*, model_id: str, old: Interfaces, new: Interfaces) -> StaleCounts:
    """Count the subscriptions of a model, as target or source, by what changes, in one query.

    The other side of each is taken as it is at present.
    """
    others = _differs_for_others(model_id)
    before = others | _target_differs(model_id, old) | _source_differs(model_id, old)
    after_target, after_source = _target_differs(model_id, new), _source_differs(model_id, new)
    begins = ~before & (after_target | after_source)
    ends = before & ~(others | after_target | after_source)
    counted = (
        EventSubscription.objects.with_status()
        .filter(Q(target=model_id) | Q(source=model_id))
        .exclude(state=SubscriptionStatus.STALE)
        .aggregate(
            # Other names than in the answer: `target` and `source` are columns.
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


def _target_differs(model_id: str, interfaces: Interfaces) -> Q:
    differs = Q(pk__in=[])
    for action in Action:
        fingerprint = interfaces[action, Direction.INPUT].fingerprint
        differs |= Q(target_action=action) & ~Q(accepted_target_fingerprint=fingerprint)
    return Q(target=model_id) & differs


def _source_differs(model_id: str, interfaces: Interfaces) -> Q:
    differs = Q(pk__in=[])
    for event in TriggerEvent:
        fingerprint = interfaces[event.action, Direction.OUTPUT].fingerprint
        differs |= Q(trigger_event=event) & ~Q(accepted_source_fingerprint=fingerprint)
    return Q(source=model_id, input_source=InputSource.TRIGGER_OUTPUT) & differs


def _differs_for_others(model_id: str) -> Q:
    """Match subscriptions whose other side, another model, already differs."""
    return (~Q(target=model_id) & Q(target_differs=True)) | (
        ~Q(source=model_id) & Q(source_differs=True)
    )
