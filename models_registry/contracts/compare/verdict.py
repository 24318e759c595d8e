"""Verdicts on two schemas: incompatible by a counterexample, compatible by a proof, or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import orjson

from models_registry.contracts.compare.closed_world import closed_world
from models_registry.contracts.compare.counterexamples import (
    BUDGET,
    BUDGET_OF_CHANGE,
    Budget,
    find_counterexample,
)
from models_registry.contracts.compare.operand import Operand
from models_registry.contracts.compare.proofs import Question, admits_nothing, covers, prove
from models_registry.contracts.payloads import UnusableContract

Verdict = Literal["compatible", "incompatible", "unknown"]
# For the search of counterexamples to all changes together, in units of 10 ns.
BUDGET_OF_CHANGES = 150_000_000
# The size of all counterexamples to changes as JSON; the verdicts of further changes are unknown.
COUNTEREXAMPLES_BYTES = 256 * 1024
# A narrow schema that must fit into a wide one; None if there is no such schema.
Pair = tuple[dict[str, Any] | None, dict[str, Any] | None]


class Counterexample(TypedDict):
    """A document that one side accepts and the other refuses; wrapped, for it may be null."""

    value: Any


class PairVerdict(TypedDict):
    """The verdicts on a pair, strict and in a closed world, with their counterexamples."""

    verdict: Verdict
    lenient_verdict: Verdict
    witness: NotRequired[Counterexample]
    lenient_witness: NotRequired[Counterexample]


class Verdicts(NamedTuple):
    """Verdicts on the first pair and on further pairs, and whether `never` admits nothing."""

    whole: PairVerdict
    parts: list[PairVerdict]
    never: bool


class _Open(NamedTuple):
    """One pair before its proof."""

    narrow: dict[str, Any] | None
    wide: dict[str, Any] | None
    counterexample: list[Any]

    def question(self) -> list[Question]:
        """Return the question to prove, if there is one."""
        if self.counterexample or self.narrow is None or self.wide is None:
            return []
        return [covers(self.wide, self.narrow)]

    def verdict(self, proved: list[bool]) -> Verdict:
        """Return the verdict; removes the answer to its question, if it had one, from `proved`."""
        if self.counterexample:
            return "incompatible"
        return "compatible" if self.question() and proved.pop(0) else "unknown"


UNKNOWN = _Open(None, None, [])


def find_verdicts(pairs: Sequence[Pair], *, never: dict[str, Any] | None = None) -> Verdicts:
    """Return the verdicts on pairs, and whether the schema `never` admits nothing at all.

    The first pair gets a larger search budget. One process does all proofs.
    """
    opened = [*map(_whole_opened, pairs[:1]), *_changes_opened(pairs[1:])]
    questions = [question for both in opened for one in both for question in one.question()]
    proved = prove([*questions, *([admits_nothing(never)] if never else [])])
    verdicts = [_both(strict, closed, proved) for strict, closed in opened]
    is_never = bool(never) and proved.pop()
    whole: PairVerdict = {"verdict": "compatible", "lenient_verdict": "compatible"}
    return Verdicts(verdicts[0] if verdicts else whole, verdicts[1:], is_never)


def _whole_opened(pair: Pair) -> tuple[_Open, _Open]:
    strict = _opened(pair, Budget(BUDGET))
    return strict, _opened(_in_closed_world(pair), Budget(BUDGET), known=strict.counterexample)


def _changes_opened(pairs: Sequence[Pair]) -> Iterator[tuple[_Open, _Open]]:
    left: float = BUDGET_OF_CHANGES
    bytes_left = COUNTEREXAMPLES_BYTES
    for pair in pairs:
        budget = Budget(min(left, BUDGET_OF_CHANGE))
        before = budget.left
        strict = closed = UNKNOWN
        left -= _price_of_opening(pair)
        if left > 0 and bytes_left > 0:
            strict = _opened(pair, budget)
            # Without a strict counterexample there is none in the closed world.
            if strict.counterexample:
                left -= _price_of_opening(pair)
                closed = _opened(_in_closed_world(pair), budget, known=strict.counterexample)
        left -= before - budget.left
        bytes_left -= sum(len(orjson.dumps(one.counterexample)) for one in (strict, closed))
        yield (strict, closed) if bytes_left > 0 else (UNKNOWN, UNKNOWN)


def _price_of_opening(pair: Pair) -> int:
    """Return the cost of compiling both schemas: some 25 µs for 100 bytes."""
    return 25 * sum(len(orjson.dumps(schema)) for schema in pair if schema is not None)


def _opened(pair: Pair, budget: Budget, known: Sequence[Any] = ()) -> _Open:
    """Search a counterexample; a `known` one is tried first."""
    narrow, wide = pair
    if narrow is None or wide is None:
        return UNKNOWN
    try:
        return _Open(
            narrow, wide, find_counterexample(Operand(narrow), Operand(wide), budget, known)
        )
    except UnusableContract:
        return UNKNOWN


def _in_closed_world(pair: Pair) -> Pair:
    narrow, wide = pair
    return (None if narrow is None else closed_world(narrow)), wide


def _both(strict: _Open, closed: _Open, proved: list[bool]) -> PairVerdict:
    """Return both verdicts; removes the answers to their questions from `proved`."""
    verdict, in_closed_world = strict.verdict(proved), closed.verdict(proved)
    # The closed world has fewer documents: a proof for all documents holds for them.
    both: PairVerdict = {
        "verdict": verdict,
        "lenient_verdict": "compatible" if verdict == "compatible" else in_closed_world,
    }
    if strict.counterexample:
        both["witness"] = {"value": strict.counterexample[0]}
    if closed.counterexample:
        both["lenient_witness"] = {"value": closed.counterexample[0]}
    return both
