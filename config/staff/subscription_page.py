"""What a subscription's page shows: payload and contract, what changed since, its triggers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from django.utils.dateparse import parse_datetime

from config.staff.addresses import job_url
from config.staff.base import list_url, page_url
from config.staff.payload import marked
from config.staff.schema_tree import schema_tree
from config.staff.showing import pretty
from models_registry.models import Direction
from subscriptions.models import EventSubscription, Trigger
from subscriptions.services.edges import edge_warnings, edges_of
from subscriptions.services.interfaces import accepted_interface, interface_of
from subscriptions.services.staleness import StaleReason, stale_because, with_changes

TRIGGERS_SHOWN = 20
CHANGES_SHOWN = 50
WITNESS_CHARACTERS = 600


def context(subscription: EventSubscription) -> dict[str, Any]:
    """Return what the page shows; must be outside any transaction."""
    return {
        "payload": None
        if subscription.input is None
        else marked(subscription.input, subscription.warnings),
        "contract": _contract(subscription),
        "accepted": list(_accepted(subscription)),
        "reasons": [
            _reason(with_changes(subscription, reason))
            for reason in stale_because([subscription]).get(subscription.pk, [])
        ],
        "edge": _edge(subscription),
        **_triggers(subscription),
    }


def _contract(subscription: EventSubscription) -> Any:
    """Return the target's input schema as a tree; None where its handler stands for it."""
    interface = interface_of(subscription.target, subscription.target_action, Direction.INPUT)
    return schema_tree(interface.definition) if interface.is_schema else None


def _accepted(subscription: EventSubscription) -> Iterator[dict[str, Any]]:
    """Yield each interface that it was accepted against: as a tree if it was a schema."""
    action, event = subscription.target_action, subscription.event_action
    sides = [("target", action, Direction.INPUT, subscription.accepted_target_fingerprint)]
    if subscription.accepted_source_fingerprint:
        accepted = subscription.accepted_source_fingerprint
        sides.append(("source", str(event), Direction.OUTPUT, accepted))
    for side, action, direction, fingerprint in sides:
        model_id = getattr(subscription, f"{side}_id")
        found = accepted_interface(model_id, action, direction, fingerprint)
        differs = getattr(subscription, f"{side}_differs")
        yield {
            "title": f"{model_id}'s {action} {direction}",
            "fingerprint": fingerprint,
            "tree": schema_tree(found.definition) if found and found.is_schema else None,
            "handler": pretty(found.definition) if found and not found.is_schema else None,
            "differs": differs,
        }


def _reason(reason: StaleReason) -> dict[str, Any]:
    changes = reason.get("changes", [])
    return {
        **reason,
        "since": parse_datetime(reason["since"]),
        "changes": changes[:CHANGES_SHOWN],
        "hidden": max(len(changes) - CHANGES_SHOWN, 0),
    }


def _edge(subscription: EventSubscription) -> dict[str, Any] | None:
    """Return how the source's output fits the target's input; None where that is not known."""
    report = edges_of([subscription]).get(subscription.pk)
    if report is None:
        return None
    witness = report.get("lenient_witness") or report.get("witness")
    shown = None if witness is None else orjson.dumps(witness["value"]).decode()
    return {
        "verdict": report["lenient_verdict"],
        "strict": report["verdict"],
        "warnings": edge_warnings(subscription, report),
        "witness": shown and shown[:WITNESS_CHARACTERS],
    }


def _triggers(subscription: EventSubscription) -> dict[str, Any]:
    rows = Trigger.objects.filter(subscription=subscription).select_related("job__version")
    newest = rows.defer(
        "job__input", "job__output", "job__version__handlers", "job__version__handler_contracts"
    ).order_by("-id")[:TRIGGERS_SHOWN]
    return {
        "triggers": [
            {
                "trigger": each,
                "job": each.job,
                "url": each.job and page_url(each.job),
                "cause_url": each.source_job_id and job_url(each.source_job_id),
            }
            for each in newest
        ],
        "triggers_url": list_url(Trigger, q=str(subscription.pk)),
    }
