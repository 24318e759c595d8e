"""Added properties: how many stored payloads already carry a property that a contract adds.

A new optional property makes an open object incompatible in the strict reading, since a payload
may carry that name with any value. This module counts the payloads that do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypedDict

from jsonschema_rs import Draft202012Validator

from models_registry.contracts.compare import Comparison
from models_registry.contracts.factory import PartFactory
from models_registry.contracts.strict_json import pointer, token
from models_registry.errors import Fault
from models_registry.json_types import NonNegativeInt

# A change that adds more properties than this is another contract.
PROPERTIES_LIMIT = 50
# In one payload: a list of objects may carry a property any number of times.
PLACES_LIMIT = 1000
STRICT_MEANING = {
    "incompatible": "Its object is open, so a payload may carry the name already, with any value:"
    " strictly, that is incompatible.",
    "compatible": "Nothing that was accepted is refused for it.",
    "unknown": "Whether something that was accepted is refused for it is not proved.",
}
CLOSED_WORLD_MEANING = "With names that are not listed left out, this is compatible."

# A JSON Pointer into a payload, and the value there.
Place = tuple[str, Any]


class PropertyReport(TypedDict):
    """A new property: how many stored payloads carry its name already.

    `broken` of them carry it with a value that does not fit. `pointer` is its place in the new
    schema; `message` says all of it in words.
    """

    name: str
    pointer: str
    carried: NonNegativeInt
    broken: NonNegativeInt
    message: str


class PropertyCount:
    """Counts the payloads that carry one added property; `at` is its pointer into the schema."""

    def __init__(self, at: str, meaning: str, parts: PartFactory) -> None:
        self._pointer, self._meaning, self._parts = at, meaning, parts
        self._rule: Draft202012Validator | None = None
        self._can_compile = True
        self._tokens = [token(each) for each in at.split("/")[1:]]
        self._carried = self._broken = 0

    def is_countable(self) -> bool:
        """Return whether its pointer alone says where payloads carry the property."""
        steps = iter(self._tokens)
        for keyword in steps:
            if keyword in {"properties", "allOf"}:
                next(steps)
            elif keyword != "items":
                return False
        return True

    def count(self, payload: Any, faults: Sequence[Fault], *, are_all: bool) -> None:
        """Count `payload`; `faults` are those of the planned contract, all or the first of them."""
        carried = _places(payload, self._tokens)
        self._carried += bool(carried)
        self._broken += any(
            f"{fault.path}/".startswith(f"{at}/") for at, _ in carried for fault in faults
        ) or (not are_all and not all(self._fits(value) for _, value in carried))

    def _fits(self, value: Any) -> bool:
        if self._rule is None and self._can_compile:
            try:
                self._rule = self._parts.make(self._pointer)
            except ValueError:
                self._can_compile = False  # an attempt costs as much as compiling
        return self._rule is None or self._rule.is_valid(value)

    def report(self) -> PropertyReport:
        """Return the counts with a message."""
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


def properties_to_count(
    comparison: Comparison | None, planned: dict[str, Any]
) -> list[PropertyCount]:
    """Return a counter for each property that the planned schema adds."""
    if comparison is None:
        return []
    counts, parts = [], PartFactory(planned)
    for change in comparison["changes"]:
        if change["kind"] != "property_added":
            continue
        meaning = STRICT_MEANING[change["verdict"]]
        if change["verdict"] == "incompatible" and change["lenient_verdict"] == "compatible":
            meaning = f"{meaning} {CLOSED_WORLD_MEANING}"
        counts.append(PropertyCount(change["pointer"], meaning, parts))
    return [count for count in counts if count.is_countable()][:PROPERTIES_LIMIT]


def _places(payload: Any, tokens: list[str]) -> list[Place]:
    """Return the places in `payload` of the property that the schema has at `tokens`."""
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
