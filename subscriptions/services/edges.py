"""The contract of an edge: what a source's output promises, against what its target takes.

Derived when read, and nothing of it is stored: it is right whichever side has changed. Verdicts
are kept in memory by the fingerprints of both sides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from models_registry.contracts.caches import BoundedCache
from models_registry.contracts.compare import EdgeReport, edge
from models_registry.models import Direction, Model
from subscriptions.models import EventSubscription, InputSource, TriggerEvent

# A list is judged for so long; what is left is unknown until it is read again.
SECONDS = 2.0
KEPT, KEPT_BYTES = 4096, 4 * 1024 * 1024
WITNESS_LIMIT = 200

_kept: BoundedCache[EdgeReport] = BoundedCache(entries=KEPT, weight=KEPT_BYTES)

Schema = dict[str, Any]


def edges_of(
    subscriptions: Sequence[EventSubscription], *, seconds: float = SECONDS
) -> dict[UUID, EdgeReport]:
    """Return the verdicts on those of `subscriptions` that are edges of two schemas, by id.

    Those are the ones that hand on an output, where the source has a schema for it and the target
    one for its input. Both models must be loaded. Each pair is judged once; after `seconds` no
    further one is begun, and 0 only looks at what is known. More than that must be outside any
    transaction, since it asks another process.
    """
    found, stop_at = {}, time.monotonic() + seconds
    for subscription in subscriptions:
        if subscription.input_source == InputSource.TRIGGER_OUTPUT:
            report = _judged(
                subscription.source,
                subscription.trigger_event,
                subscription.target,
                subscription.target_action,
                stop_at,
            )
            if report is not None:
                found[subscription.pk] = report
    return found


def look_at_edge(*, source_id: str, trigger_event: str, target_id: str, target_action: str) -> None:
    """Judge an edge before a transaction that will want the verdict; must be outside one."""
    models = Model.objects.in_bulk([source_id, target_id])
    if {source_id, target_id} <= models.keys():
        stop_at = time.monotonic() + SECONDS
        _judged(models[source_id], trigger_event, models[target_id], target_action, stop_at)


def edge_warnings(subscription: EventSubscription, report: EdgeReport) -> list[str]:
    """Return a line for each thing about an edge that needs somebody's attention.

    That an open object might carry a name that nobody lists, with a value the other side does not
    take, is true of nearly every pair: where leniently all fits, the strict verdict by itself
    gives no warning.
    """
    output = f"the source's {subscription.event_action} output"
    taken = f"the target's {subscription.target_action} input"
    warnings = []
    witness = report.get("lenient_witness") or report.get("witness")
    if witness is not None and report["lenient_verdict"] != "compatible":
        shown = orjson.dumps(witness["value"]).decode()
        if len(shown) > WITNESS_LIMIT:
            shown = shown[: WITNESS_LIMIT - 1] + "…"
        warnings.append(f"edge: {output} need not fit {taken}: {shown} does not.")
    if report["shares_no_field"]:
        warnings.append(f"edge: {output} and {taken} have no field in common.")
    return warnings


def _judged(
    source: Model, trigger_event: str, target: Model, target_action: str, stop_at: float
) -> EdgeReport | None:
    """Return the verdict on a pair; None where one side has no schema."""
    source_action = TriggerEvent(trigger_event).action
    output = _schema(source, source_action, Direction.OUTPUT)
    taken = _schema(target, target_action, Direction.INPUT)
    if output is None or taken is None:
        return None
    key = source.fingerprint(source_action, Direction.OUTPUT) + target.fingerprint(
        target_action, Direction.INPUT
    )
    report = _kept.get(key)
    if report is None:
        if time.monotonic() >= stop_at:
            return {"verdict": "unknown", "lenient_verdict": "unknown", "shares_no_field": False}
        report = edge(output, taken, only_objects=True)  # no job has another output
        _kept.put(key, report, weight=len(orjson.dumps(report)))
    return report


def _schema(model: Model, action: str, direction: str) -> Schema | None:
    contract = (model.handler_contracts or {}).get(action) or {}
    schema: Schema | None = contract.get(f"{direction}_schema")
    return schema
