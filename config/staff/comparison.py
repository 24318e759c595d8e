"""Compares two versions of a model: a diff of each part, and the verdict on each contract."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from models_registry.contracts.compare import Comparison, compare
from models_registry.models import INTERFACES, Direction, ModelVersion
from models_registry.services.definitions import Interface
from subscriptions.services.interfaces import interface_of

# Longer schemas get a verdict, but no diff.
LINES_LIMIT = 1500
# The context lines around a difference.
CONTEXT_LINES = 3


class Line(NamedTuple):
    """A line of the diff; a tone is "good" for added, "bad" for removed, "" for unchanged."""

    left: str
    right: str
    left_tone: str = ""
    right_tone: str = ""


def compare_versions(old: ModelVersion, new: ModelVersion) -> list[dict[str, Any]]:
    """Return the comparison of interfaces, handlers and the rest; may take some seconds.

    Must be outside any transaction.
    """
    return [
        _compare(
            f"{action.capitalize()} {direction}",
            interface_of(old, action, direction),
            interface_of(new, action, direction),
            direction,
        )
        for action, direction in INTERFACES
    ] + [
        _values("Handlers", old.handlers, new.handlers),
        _values("Description and metadata", _texts(old), _texts(new)),
    ]


def _texts(version: ModelVersion) -> dict[str, Any]:
    return {"description": version.description, "metadata": version.metadata}


def _values(title: str, old: Any, new: Any) -> dict[str, Any]:
    """Return the diff of values that are not contracts, without a verdict."""
    is_same = old == new
    return {"title": title, "is_same": is_same, "lines": [] if is_same else side_by_side(old, new)}


def _compare(title: str, old: Interface, new: Interface, direction: Any) -> dict[str, Any]:
    report: Comparison | None = None
    is_same = old.fingerprint == new.fingerprint
    if not is_same and (old.is_schema or new.is_schema):
        schemas = [each.definition if each.is_schema else None for each in (old, new)]
        way: Any = str(direction)
        report = compare(*schemas, direction=way, only_objects=True)
    counterexample = report.get("witness") if report else None
    return {
        "title": title,
        "is_same": is_same,
        "old_kind": "schema" if old.is_schema else "handler",
        "new_kind": "schema" if new.is_schema else "handler",
        "verdict": report["verdict"] if report else "",
        "changes": report["changes"] if report else [],
        "counterexample": json.dumps(counterexample["value"], ensure_ascii=False)
        if counterexample
        else "",
        # For an input, the old version accepts it and the new one does not; for an output, the
        # new version may send it and the old one could not.
        "counterexample_fits": "old" if direction == Direction.INPUT else "new",
        "lines": [] if is_same else side_by_side(old.definition, new.definition),
    }


def side_by_side(old: Any, new: Any) -> list[Line]:
    """Return the diff of two JSON values, with some context; [] if they are too long."""
    left, right = _lines(old), _lines(new)
    if max(len(left), len(right)) > LINES_LIMIT:
        return []
    shown: list[Line] = []
    # A comma that only separates a line from the next one is not a difference.
    one, other = ([line.rstrip(",") for line in side] for side in (left, right))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT_LINES)):
        if number:
            shown.append(Line("…", "…"))
        for tag, left_from, left_to, right_from, right_to in group:
            shown += _block(tag, left[left_from:left_to], right[right_from:right_to])
    return shown


def _block(tag: str, left: Sequence[str], right: Sequence[str]) -> Iterator[Line]:
    if tag == "equal":
        yield from (Line(one, other) for one, other in zip(left, right, strict=True))
        return
    for number in range(max(len(left), len(right))):
        gone = left[number] if number < len(left) else None
        come = right[number] if number < len(right) else None
        tones = ("" if gone is None else "bad", "" if come is None else "good")
        yield Line(gone or "", come or "", *tones)


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=2, ensure_ascii=False).splitlines()
