"""What changed about an interface since it was accepted, in words."""

from __future__ import annotations

from typing import Any

import orjson

from models_registry.contracts.caches import BoundedCache
from models_registry.contracts.compare import compare
from models_registry.contracts.compare.comparison import ChangeReport
from models_registry.services.definitions import Interface
from subscriptions.models import EventSubscription
from subscriptions.services.interfaces import accepted_interface, interface_of, schema_of
from subscriptions.services.staleness import StaleReason

KEPT, KEPT_BYTES = 512, 8 * 1024 * 1024

_kept: BoundedCache[list[ChangeReport]] = BoundedCache(entries=KEPT, weight=KEPT_BYTES)


def with_changes(subscription: EventSubscription, reason: StaleReason) -> StaleReason:
    """Return `reason` with what differs between the interface as accepted and as it is.

    Both models of the subscription must be loaded. May take some seconds of another process, once
    for each pair of contracts: must be outside any transaction.
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
