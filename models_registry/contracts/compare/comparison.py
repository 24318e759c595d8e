"""Comparison of an old contract with a new one, and of an output with an input."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from models_registry.contracts.compare.changes import Change, changes
from models_registry.contracts.compare.closed_world import listed_properties
from models_registry.contracts.compare.verdict import (
    Counterexample,
    Pair,
    PairVerdict,
    Verdict,
    find_verdicts,
)
from models_registry.contracts.fingerprints import canonical_json, without_annotations

Direction = Literal["input", "output"]
# Changes with a verdict of their own, and changes in all; the others are dropped.
CHANGES_WITH_VERDICT, CHANGES_LIMIT = 100, 500
ANYTHING: dict[str, Any] = {}
NOTHING: dict[str, Any] = {"not": {}}
UNKNOWN: PairVerdict = {"verdict": "unknown", "lenient_verdict": "unknown"}
LenientVerdict = Annotated[
    Verdict,
    "The same with names left out that a payload's own schema does not list: for an input the old"
    " schema, for an output the new one.",
]


class ChangeReport(TypedDict):
    """One difference: where, what, in words, and what it does by itself."""

    pointer: str
    keyword: str
    kind: str
    message: str
    verdict: Verdict
    # Not in reports that were stored by an older release.
    lenient_verdict: NotRequired[LenientVerdict]
    witness: NotRequired[Counterexample]
    lenient_witness: NotRequired[Counterexample]


class EdgeReport(TypedDict):
    """Whether everything the source's output schema promises fits the target's input schema.

    Only for `trigger_output` where both are set, and where the subscription is read by itself.
    """

    verdict: Verdict
    lenient_verdict: Annotated[Verdict, "Names that the source does not list are left out."]
    witness: NotRequired[Counterexample]
    lenient_witness: NotRequired[Counterexample]
    shares_no_field: bool


class Comparison(TypedDict):
    """What a change of schema does.

    Input: whether all that was accepted stays accepted; output: whether all that was promised
    stays promised. Only objects count, as no other value is taken or handed on.
    """

    changed: bool
    verdict: Verdict
    lenient_verdict: LenientVerdict
    witness: NotRequired[Counterexample]
    lenient_witness: NotRequired[Counterexample]
    changes: list[ChangeReport]
    never_accepts: bool


def compare(
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    *,
    direction: Direction,
    only_objects: bool = False,
) -> Comparison:
    """Return the effect on payloads when `old` becomes `new`; None accepts anything.

    An input is compatible if everything accepted before stays accepted, an output if everything
    promised before stays promised. `changes` has one entry per difference, with a verdict as if it
    were the only one; annotations are no difference. With `only_objects` every payload is an
    object, whatever the schemas say of other values. May take seconds in another process: must be
    outside any transaction.
    """
    before, after = old or ANYTHING, new or ANYTHING
    payloads = _payloads(only_objects)
    if (old is None) is (new is None) and _same(before, after):
        return _unchanged(payloads(after))
    differences = _set_or_removed(old, new) or list(changes(before, after))[:CHANGES_LIMIT]
    pairs = [_pair(before, after, direction)]
    if len(differences) > 1:  # a single one has the verdict of the whole
        alone = [_alone(before, after, change) for change in differences[:CHANGES_WITH_VERDICT]]
        pairs += [_pair(before, schema, direction) for schema in alone]
    pairs = [(None if sent is None else payloads(sent), taken) for sent, taken in pairs]
    found = find_verdicts(pairs, never=payloads(after))
    verdicts = found.parts or [found.whole]
    verdicts += [UNKNOWN] * (len(differences) - len(verdicts))
    return {
        "changed": True,
        **found.whole,
        "changes": [_report(*one) for one in zip(differences, verdicts, strict=True)],
        "never_accepts": found.never,
    }


def _payloads(only_objects: bool) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _of_objects if only_objects else _as_it_is


def _of_objects(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` for objects only."""
    types = schema.get("type", ["object"])
    is_for_objects = "object" in (types if isinstance(types, list) else [types])
    return {**schema, "type": "object"} if is_for_objects else NOTHING


def _as_it_is(schema: dict[str, Any]) -> dict[str, Any]:
    return schema


def edge(
    output: dict[str, Any] | None, input: dict[str, Any] | None, *, only_objects: bool = False
) -> EdgeReport:
    """Return whether what a source promises fits what a target accepts; None is anything.

    With `only_objects` every output is an object, whatever its schema says of other values: a
    schema without objects promises nothing that could fail. `shares_no_field` is True if both list
    properties and have none in common.
    """
    sent, taken = _payloads(only_objects)(output or ANYTHING), input or ANYTHING
    found = find_verdicts([(sent, taken)])
    names, others = listed_properties(sent), listed_properties(taken)
    shares_no_field = bool(names and others and not names & others)
    return {**found.whole, "shares_no_field": shares_no_field}


def _unchanged(schema: dict[str, Any]) -> Comparison:
    found = find_verdicts([], never=schema)
    return {
        "changed": False,
        "verdict": "compatible",
        "lenient_verdict": "compatible",
        "changes": [],
        "never_accepts": found.never,
    }


def _same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    one, other = (canonical_json(without_annotations(schema)) for schema in (before, after))
    return one == other


def _pair(before: dict[str, Any], after: dict[str, Any] | None, direction: Direction) -> Pair:
    """Return the narrow schema, and the wide one that it must fit into."""
    return (before, after) if direction == "input" else (after, before)


def _set_or_removed(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[Change]:
    """Return the only difference if there was, or is, no schema at all."""
    if (old is None) is (new is None):
        return []
    kind, message = (
        ("schema_set", "There was no schema, and any value was fine; now there is one.")
        if old is None
        else ("schema_removed", "There is no schema any more; any value is fine.")
    )

    def apply(schema: dict[str, Any]) -> None:
        schema.clear()
        schema.update(new or ANYTHING)

    return [Change("", "", kind, message, (), apply)]


def _alone(before: dict[str, Any], after: dict[str, Any], change: Change) -> dict[str, Any] | None:
    """Return `before` with only this change; None if it can't be made alone."""
    schema = copy.deepcopy(before)
    # A new reference may lead to a new definition, which by itself changes nothing.
    if change.keyword != "$defs" and "$defs" in after:
        schema["$defs"] = {**after["$defs"], **schema.get("$defs", {})}
    place: Any = schema
    try:
        for key in change.at:
            place = place[key]
        change.apply(place)
    except (LookupError, TypeError):
        return None
    return schema


def _report(change: Change, both: PairVerdict) -> ChangeReport:
    return {
        "pointer": change.pointer,
        "keyword": change.keyword,
        "kind": change.kind,
        "message": change.message,
        **both,
    }
