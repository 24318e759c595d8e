"""From two schemas to a verdict: a witness against it, a proof of it, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import orjson

from models_registry.contracts.compare.closed_world import without_unlisted_names
from models_registry.contracts.compare.counterexamples import (
    BUDGET,
    BUDGET_OF_CHANGE,
    Budget,
    find_witness,
)
from models_registry.contracts.compare.operand import Side
from models_registry.contracts.compare.proofs import Question, admits_nothing, covers, prove
from models_registry.contracts.payloads import UnusableContract

Verdict = Literal["compatible", "incompatible", "unknown"]
# For looking for witnesses against all changes together, in units of 10 ns.
BUDGET_OF_CHANGES = 150_000_000
# What the witnesses of all changes together may take as JSON; the changes beyond are unknown.
WITNESSES_BYTES = 256 * 1024
# What must fit, and what it must fit into; None where there is no such schema.
Pair = tuple[dict[str, Any] | None, dict[str, Any] | None]


class Counterexample(TypedDict):
    """A document that one side accepts and the other refuses; wrapped, for it may be null."""

    value: Any


class Both(TypedDict):
    """The strict and the lenient verdict on a pair, each incompatible one with its witness."""

    verdict: Verdict
    lenient_verdict: Verdict
    witness: NotRequired[Counterexample]
    lenient_witness: NotRequired[Counterexample]


class Judged(NamedTuple):
    """`parts` are the verdicts on the further pairs."""

    whole: Both
    parts: list[Both]
    never: bool


class _Open(NamedTuple):
    """One pair on its way to a verdict."""

    narrow: dict[str, Any] | None
    wide: dict[str, Any] | None
    witness: list[Any]

    def question(self) -> list[Question]:
        """What is left to ask."""
        if self.witness or self.narrow is None or self.wide is None:
            return []
        return [covers(self.wide, self.narrow)]

    def verdict(self, proved: list[bool]) -> Verdict:
        """The verdict; takes the answer to its question, if it had one, off `proved`."""
        if self.witness:
            return "incompatible"
        return "compatible" if self.question() and proved.pop(0) else "unknown"


UNJUDGED = _Open(None, None, [])


def judge(pairs: Sequence[Pair], *, never: dict[str, Any] | None = None) -> Judged:
    """Judge pairs, strictly and leniently; and whether `never` admits nothing at all.

    The first is looked at more closely. All proofs are asked for at once, in one process.
    """
    opened = [*map(_whole_opened, pairs[:1]), *_changes_opened(pairs[1:])]
    questions = [question for both in opened for one in both for question in one.question()]
    proved = prove([*questions, *([admits_nothing(never)] if never else [])])
    verdicts = [_both(strict, lenient, proved) for strict, lenient in opened]
    is_never = bool(never) and proved.pop()
    whole: Both = {"verdict": "compatible", "lenient_verdict": "compatible"}
    return Judged(verdicts[0] if verdicts else whole, verdicts[1:], is_never)


def _whole_opened(pair: Pair) -> tuple[_Open, _Open]:
    strict = _opened(pair, Budget(BUDGET))
    return strict, _opened(_leniently(pair), Budget(BUDGET), known=strict.witness)


def _changes_opened(pairs: Sequence[Pair]) -> Iterator[tuple[_Open, _Open]]:
    left: float = BUDGET_OF_CHANGES
    bytes_left = WITNESSES_BYTES
    for pair in pairs:
        budget = Budget(min(left, BUDGET_OF_CHANGE))
        before = budget.left
        strict = lenient = UNJUDGED
        left -= _price_of_opening(pair)
        if left > 0 and bytes_left > 0:
            strict = _opened(pair, budget)
            # What nothing was found against strictly is not looked at leniently.
            if strict.witness:
                left -= _price_of_opening(pair)
                lenient = _opened(_leniently(pair), budget, known=strict.witness)
        left -= before - budget.left
        bytes_left -= sum(len(orjson.dumps(one.witness)) for one in (strict, lenient))
        yield (strict, lenient) if bytes_left > 0 else (UNJUDGED, UNJUDGED)


def _price_of_opening(pair: Pair) -> int:
    """What compiling both and looking at them costs: some 25 µs for 100 bytes."""
    return 25 * sum(len(orjson.dumps(schema)) for schema in pair if schema is not None)


def _opened(pair: Pair, budget: Budget, known: Sequence[Any] = ()) -> _Open:
    """Look for a witness, and first at whether a `known` one is one here as well."""
    narrow, wide = pair
    if narrow is None or wide is None:
        return UNJUDGED
    try:
        return _Open(narrow, wide, find_witness(Side(narrow), Side(wide), budget, known))
    except UnusableContract:
        return UNJUDGED


def _leniently(pair: Pair) -> Pair:
    narrow, wide = pair
    return (None if narrow is None else without_unlisted_names(narrow)), wide


def _both(strict: _Open, lenient: _Open, proved: list[bool]) -> Both:
    """Return both verdicts; takes the answers to their questions off `proved`."""
    verdict, leniently = strict.verdict(proved), lenient.verdict(proved)
    # Leniently there are fewer documents: what holds for all of them holds for these.
    both: Both = {
        "verdict": verdict,
        "lenient_verdict": "compatible" if verdict == "compatible" else leniently,
    }
    if strict.witness:
        both["witness"] = {"value": strict.witness[0]}
    if lenient.witness:
        both["lenient_witness"] = {"value": lenient.witness[0]}
    return both
