"""The context of a subscription's page: payload, contract, contract changes, triggers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson
from django.utils.dateparse import parse_datetime

from config.staff.formatting import pretty
from config.staff.links import job_url, list_url, page_url
from config.staff.schema_tree import schema_tree
from models_registry.models import Direction
from subscriptions.models import EventSubscription, Trigger
from subscriptions.services.edges import edge_warnings, edges_of
from subscriptions.services.interfaces import accepted_interface, interface_of
from subscriptions.services.staleness import StaleReason, stale_because, with_changes

TRIGGERS_SHOWN = 20
CHANGES_SHOWN = 50
COUNTEREXAMPLE_CHARACTERS = 600
# The page truncates longer payloads and values.
LINES_LIMIT = 600
VALUE_CHARACTERS = 400


def context(subscription: EventSubscription) -> dict[str, Any]:
    """Return the context; must be outside any transaction."""
    return {
        "payload": None
        if subscription.input is None
        else annotated(subscription.input, subscription.warnings),
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
    """Return the target's input schema as a tree; None if there is no schema."""
    interface = interface_of(subscription.target, subscription.target_action, Direction.INPUT)
    return schema_tree(interface.definition) if interface.is_schema else None


def _accepted(subscription: EventSubscription) -> Iterator[dict[str, Any]]:
    """Yield each accepted interface: a tree for a schema, else the handler."""
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
    """Return how the source's output fits the target's input; None if that is unknown."""
    report = edges_of([subscription]).get(subscription.pk)
    if report is None:
        return None
    found = report.get("lenient_witness") or report.get("witness")
    counterexample = None if found is None else orjson.dumps(found["value"]).decode()
    return {
        "verdict": report["lenient_verdict"],
        "strict": report["verdict"],
        "warnings": edge_warnings(subscription, report),
        "counterexample": counterexample and counterexample[:COUNTEREXAMPLE_CHARACTERS],
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


class Line(NamedTuple):
    """One line of JSON, with the messages about the value that starts there."""

    text: str
    messages: list[str]


class Payload(NamedTuple):
    """The lines, the warnings about places not among them, and whether there are more lines."""

    lines: list[Line]
    elsewhere: list[str]
    is_cut: bool


def annotated(payload: Any, warnings: list[str], name: str = "input") -> Payload:
    """Return `payload` as lines; a warning such as "input/route: ..." is at its JSON pointer."""
    lines, left = [], list(warnings)
    found = list(islice(_lines(payload, "", "", "", ""), LINES_LIMIT + 1))
    for pointer, text in found[:LINES_LIMIT]:
        start = f"{name}{pointer}: "
        here = [] if pointer is None else [each for each in left if each.startswith(start)]
        lines.append(Line(text, [each.removeprefix(start) for each in here]))
        left = [each for each in left if each not in here]
    return Payload(lines, left, len(found) > LINES_LIMIT)


def _lines(
    value: Any, pointer: str, indent: str, label: str, tail: str
) -> Iterator[tuple[str | None, str]]:
    """Yield each line with the JSON pointer of the value that starts there; None where one ends."""
    parts = _parts(value)
    if not parts:
        yield pointer, f"{indent}{label}{_plain(value)}{tail}"
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield pointer, f"{indent}{label}{opening}"
    for number, (key, name, part) in enumerate(parts, start=1):
        comma = "," if number < len(parts) else ""
        yield from _lines(part, f"{pointer}/{key}", f"{indent}  ", name, comma)
    yield None, f"{indent}{closing}{tail}"


def _parts(value: Any) -> list[tuple[str, str, Any]]:
    """Return the members of an object or array: pointer token, label, value."""
    if isinstance(value, dict):
        return [
            (key.replace("~", "~0").replace("/", "~1"), f"{_plain(key)}: ", part)
            for key, part in value.items()
        ]
    return [(str(at), "", part) for at, part in enumerate(value)] if isinstance(value, list) else []


def _plain(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= VALUE_CHARACTERS else f"{text[: VALUE_CHARACTERS - 1]}…"
