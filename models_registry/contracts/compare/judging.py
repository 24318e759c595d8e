"""From two schemas to a verdict: a witness against it, a proof of it, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

from models_registry.contracts.compare.lenient import without_unlisted_names
from models_registry.contracts.compare.proofs import Question, admits_nothing, covers, prove
from models_registry.contracts.compare.sides import Side
from models_registry.contracts.compare.witnesses import BUDGET, BUDGET_OF_CHANGE, find_witness
from models_registry.contracts.payloads import UnusableContract

Verdict = Literal["compatible", "incompatible", "unknown"]
# What must fit, and what it must fit into; None where there is no such schema.
Pair = tuple[dict[str, Any] | None, dict[str, Any] | None]


class Witness(TypedDict):
    """A document that shows it; wrapped, for it may be null."""

    value: Any


class Whole(TypedDict):
    """The verdicts on the first pair, each incompatible one with its witness."""

    verdict: Verdict
    lenient_verdict: Verdict
    witness: NotRequired[Witness]
    lenient_witness: NotRequired[Witness]


class Judged(NamedTuple):
    """`parts` are the verdicts on the further pairs."""

    whole: Whole
    parts: list[Verdict]
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


def judge(pairs: Sequence[Pair], *, never: dict[str, Any] | None = None) -> Judged:
    """Judge pairs, the first of them also leniently; and whether `never` admits nothing at all.

    All proofs are asked for at once, in one process.
    """
    opened = [
        _opened(pair, BUDGET_OF_CHANGE if index else BUDGET) for index, pair in enumerate(pairs)
    ]
    if pairs:
        opened.insert(1, _opened(_leniently(pairs[0]), BUDGET))
    questions = [question for one in opened for question in one.question()]
    proved = prove([*questions, *([admits_nothing(never)] if never else [])])
    verdicts = [one.verdict(proved) for one in opened]
    is_never = bool(never) and proved.pop()
    whole = _whole(opened[:2], verdicts[:2])
    return Judged(whole, verdicts[2:], is_never)


def _opened(pair: Pair, budget: int) -> _Open:
    narrow, wide = pair
    if narrow is None or wide is None:
        return _Open(None, None, [])
    try:
        return _Open(narrow, wide, find_witness(Side(narrow), Side(wide), budget=budget))
    except UnusableContract:
        return _Open(None, None, [])


def _leniently(pair: Pair) -> Pair:
    narrow, wide = pair
    return (None if narrow is None else without_unlisted_names(narrow)), wide


def _whole(opened: list[_Open], verdicts: list[Verdict]) -> Whole:
    if not opened:
        return {"verdict": "compatible", "lenient_verdict": "compatible"}
    strict, lenient = opened
    # Leniently there are fewer documents: what holds for all of them holds for these.
    is_proved = verdicts[0] == "compatible"
    whole: Whole = {
        "verdict": verdicts[0],
        "lenient_verdict": "compatible" if is_proved else verdicts[1],
    }
    if strict.witness:
        whole["witness"] = {"value": strict.witness[0]}
    if lenient.witness:
        whole["lenient_witness"] = {"value": lenient.witness[0]}
    return whole
