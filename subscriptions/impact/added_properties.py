"""The trap of the open object: a new property whose name payloads may carry already.

Strictly, a new optional property makes an open object incompatible, since a payload may carry
that name with any value. How many do is counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypedDict

from jsonschema_rs import Draft202012Validator

from models_registry.contracts.compare import Comparison
from models_registry.contracts.factory import PartFactory
from models_registry.contracts.strict_json import pointer
from models_registry.errors import Fault
from models_registry.json_types import NonNegativeInt

# Payloads are looked through for so many names; a change that adds more is another contract.
NAMES_LIMIT = 50
# Looked at in one payload; a list of objects may carry a name any number of times.
PLACES_LIMIT = 1000
STRICTLY = {
    "incompatible": "Its object is open, so a payload may carry the name already, with any value:"
    " strictly, that is incompatible.",
    "compatible": "Nothing that was accepted is refused for it.",
    "unknown": "Whether something that was accepted is refused for it is not proved.",
}
LENIENTLY = "With names that are not listed left out, this is compatible."

# Where in a payload, and the value there.
Place = tuple[str, Any]


class NameReport(TypedDict):
    """A new property: how many stored payloads carry its name already.

    `broken` of them carry it with a value that does not fit. `pointer` is its place in the new
    schema; `message` says all of it in words.
    """

    name: str
    pointer: str
    carried: NonNegativeInt
    broken: NonNegativeInt
    message: str


class NameCount:
    """Counts the payloads that carry one new name; `at` is its pointer into the schema."""

    def __init__(self, at: str, meaning: str, parts: PartFactory) -> None:
        self._pointer, self._meaning, self._parts = at, meaning, parts
        self._rule: Draft202012Validator | None = None
        self._is_askable = True
        self._tokens = [_unescaped(token) for token in at.split("/")[1:]]
        self._carried = self._broken = 0

    def is_countable(self) -> bool:
        """Say whether the schema alone tells where in payloads the property stands."""
        steps = iter(self._tokens)
        for keyword in steps:
            if keyword in {"properties", "allOf"}:
                next(steps)
            elif keyword != "items":
                return False
        return True

    def count(self, payload: Any, faults: Sequence[Fault], *, are_all: bool) -> None:
        """Count `payload`, which has these faults, and maybe more, under the planned contract."""
        carried = _places(payload, self._tokens)
        self._carried += bool(carried)
        self._broken += any(
            f"{fault.path}/".startswith(f"{at}/") for at, _ in carried for fault in faults
        ) or (not are_all and not all(self._fits(value) for _, value in carried))

    def _fits(self, value: Any) -> bool:
        if self._rule is None and self._is_askable:
            try:
                self._rule = self._parts.make(self._pointer)
            except ValueError:
                self._is_askable = False  # not alone; trying costs as much as compiling
        return self._rule is None or self._rule.is_valid(value)

    def report(self) -> NameReport:
        """Return the counts, and what they mean."""
        carriers = f"{self._carried} of the payloads checked carry it" if self._carried else ""
        counted = f"{carriers}, {self._broken} of them with a value that does not fit."
        return {
            "name": self._tokens[-1],
            "pointer": self._pointer,
            "carried": self._carried,
            "broken": self._broken,
            "message": f'The property "{self._tokens[-1]}" is new. {self._meaning} '
            + (counted if carriers else "None of the payloads checked carries it."),
        }


def names_to_count(comparison: Comparison | None, planned: dict[str, Any]) -> list[NameCount]:
    """Return a count for each property that the planned schema has and the old one has not."""
    if comparison is None:
        return []
    counts, parts = [], PartFactory(planned)
    for change in comparison["changes"]:
        if change["kind"] != "property_added":
            continue
        meaning = STRICTLY[change["verdict"]]
        if change["verdict"] == "incompatible" and change["lenient_verdict"] == "compatible":
            meaning = f"{meaning} {LENIENTLY}"
        counts.append(NameCount(change["pointer"], meaning, parts))
    return [count for count in counts if count.is_countable()][:NAMES_LIMIT]


def _places(payload: Any, tokens: list[str]) -> list[Place]:
    """Return where in `payload` the property stands that the schema has at `tokens`."""
    places: list[Place] = [("", payload)]
    steps = iter(tokens)
    for keyword in steps:
        if keyword == "allOf":
            next(steps)
            continue
        inner = _items(places) if keyword == "items" else _members(places, next(steps))
        places = list(islice(inner, PLACES_LIMIT))
    return places


def _items(places: list[Place]) -> Iterator[Place]:
    for at, value in places:
        if isinstance(value, list):
            yield from ((pointer(at, index), item) for index, item in enumerate(value))


def _members(places: list[Place], name: str) -> Iterator[Place]:
    for at, value in places:
        if isinstance(value, dict) and name in value:
            yield pointer(at, name), value[name]


def _unescaped(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")
