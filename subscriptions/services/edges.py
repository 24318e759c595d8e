"""Edge checks: whether every output of a source fits the input schema of its target.

Verdicts are derived when read and never stored, so they are right after a change of either model.
They are cached in memory by the fingerprints of both schemas.
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

# The time limit for a list; the verdicts that are left are unknown until it is read again.
SECONDS = 2.0
KEPT, KEPT_BYTES = 4096, 4 * 1024 * 1024
COUNTEREXAMPLE_LIMIT = 200

_kept: BoundedCache[EdgeReport] = BoundedCache(entries=KEPT, weight=KEPT_BYTES)

Schema = dict[str, Any]


def edges_of(
    subscriptions: Sequence[EventSubscription], *, seconds: float = SECONDS
) -> dict[UUID, EdgeReport]:
    """Return the verdicts on the edges between two schemas among `subscriptions`, by id.

    These pass on an output, the source has a schema for it, and the target has one for its input.
    Both models must be loaded. After `seconds` no further comparison is begun; with 0 only the
    cache is read. More than 0 must be outside any transaction, since another process compares.
    """
    found, stop_at = {}, time.monotonic() + seconds
    for subscription in subscriptions:
        if subscription.input_source == InputSource.TRIGGER_OUTPUT:
            report = _verdict(
                subscription.source,
                subscription.trigger_event,
                subscription.target,
                subscription.target_action,
                stop_at,
            )
            if report is not None:
                found[subscription.pk] = report
    return found


def cache_edge(*, source_id: str, trigger_event: str, target_id: str, target_action: str) -> None:
    """Cache the verdict on an edge for a later transaction; must be outside any transaction."""
    models = Model.objects.in_bulk([source_id, target_id])
    if {source_id, target_id} <= models.keys():
        stop_at = time.monotonic() + SECONDS
        _verdict(models[source_id], trigger_event, models[target_id], target_action, stop_at)


def edge_warnings(subscription: EventSubscription, report: EdgeReport) -> list[str]:
    """Return the warnings about an edge.

    An open object may carry an unlisted property with a value that the target refuses. This is true
    of nearly every pair, so the strict verdict gives no warning if the lenient one is compatible.
    """
    output = f"the source's {subscription.event_action} output"
    taken = f"the target's {subscription.target_action} input"
    warnings = []
    found = report.get("lenient_witness") or report.get("witness")
    if found is not None and report["lenient_verdict"] != "compatible":
        shown = orjson.dumps(found["value"]).decode()
        if len(shown) > COUNTEREXAMPLE_LIMIT:
            shown = shown[: COUNTEREXAMPLE_LIMIT - 1] + "…"
        warnings.append(f"edge: {output} need not fit {taken}: {shown} does not.")
    if report["shares_no_field"]:
        warnings.append(f"edge: {output} and {taken} have no field in common.")
    return warnings


def _verdict(
    source: Model, trigger_event: str, target: Model, target_action: str, stop_at: float
) -> EdgeReport | None:
    """Return the verdict on a pair of interfaces; None if one of them has no schema."""
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
