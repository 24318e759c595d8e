"""Cost analysis: an upper bound for checking a value, from the contract alone.

The validator holds the GIL while it works, so nothing can interrupt it: a check that could take too
long must never start. Measured with jsonschema-rs 0.60.3; one unit is 10 ns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from models_registry.contracts import keywords, weights
from models_registry.contracts.subschemas import Contract, Subschema
from models_registry.contracts.weights import FREE, Price
from models_registry.errors import Fault

# For all checks of one value anywhere in a payload, and of one character of text.
PRICE_LIMIT = Price(250_000, 20_000)
# Payloads nest less deep than this (`payloads.py` ensures it), and so does a recursion.
ROUNDS = 256
# Steps of the analysis itself; the largest sensible contracts need a few thousand.
WORK_LIMIT = 300_000
# `unevaluated*` checks again what its sibling keywords have checked; measured 2.4 times.
AGAIN = 3
TOO_COSTLY = (
    "Checking a payload against this could take too long: subschemas that refer to each other"
    " multiply, or there are too many alternatives."
)

LEADS_BACK = "This leads back to itself without going down into a value."


class Label(NamedTuple):
    """Which parts of a value a subschema applies to.

    `key` is the name of one property or one index; None is any other one but those `excepted`.
    `plain` means a property that is reached only through `properties`, `allOf` and `$ref`:
    `unevaluatedProperties` does not check its value again.
    """

    kind: str
    key: str | int | None
    excepted: frozenset[str]
    plain: bool


Children = Counter[tuple[Label, Subschema]]


class TooCostly(ValueError):
    """The cost, or the analysis itself, is over its limit."""

    def __init__(self, at: str, message: str = TOO_COSTLY) -> None:
        self.fault = Fault(at, message)
        super().__init__(message)


@dataclass
class _Closure:
    """One subschema with all subschemas that apply to the same value."""

    price: Price
    deep: float
    children: Children

    def alone(self) -> Price:
        return Price(self.price.value + self.deep, self.price.character)


def price_of(contract: Contract) -> Price:
    """Return the maximum cost of one value in a payload, and of one character of its strings.

    Raises TooCostly, with the fault, for a contract over the limit, and for one with a reference
    cycle on the same value.
    """
    closures = _closures(contract)
    prices = {subschema: closure.alone() for subschema, closure in closures.items()}
    changed, spent = set(closures), 0
    users = _users(closures)
    for _ in range(ROUNDS):
        before = changed
        changed = set()
        for subschema in {user for part in before for user in users.get(part, ())}:
            price, work = _with_children(closures[subschema], prices)
            spent += work
            if price != prices[subschema]:
                prices[subschema] = price
                changed.add(subschema)
            if spent > WORK_LIMIT or price.exceeds(PRICE_LIMIT):
                raise TooCostly(subschema.pointer)
        if not changed:
            break
    return prices[contract.root]


def _users(closures: dict[Subschema, _Closure]) -> dict[Subschema, set[Subschema]]:
    users: dict[Subschema, set[Subschema]] = {}
    for subschema, closure in closures.items():
        for _, child in closure.children:
            users.setdefault(child, set()).add(subschema)
    return users


def _closures(contract: Contract) -> dict[Subschema, _Closure]:
    """Collect, bottom up, the subschemas that apply to the same value."""
    closures: dict[Subschema, _Closure] = {}
    size = 0
    for subschema in _bottom_up(contract):
        closure = _closure(subschema, closures)
        size += 1 + len(closure.children)
        if size > WORK_LIMIT or closure.price.exceeds(PRICE_LIMIT):
            raise TooCostly(subschema.pointer)
        closures[subschema] = closure
    return closures


def _bottom_up(contract: Contract) -> Iterable[Subschema]:
    graph = {
        subschema: [part for keyword, _, part in subschema.parts if keyword in keywords.IN_PLACE]
        for subschema in contract.subschemas.values()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        at = min(subschema.pointer for subschema in error.args[1])
        raise TooCostly(at, LEADS_BACK) from None


def _closure(subschema: Subschema, closures: dict[Subschema, _Closure]) -> _Closure:
    schema = subschema.schema
    if not isinstance(schema, dict):
        return _Closure(Price(1, 0), 0, Counter())
    price, deep = weights.of_keywords(schema), weights.deep(schema)
    children: Children = Counter(dict(_own_children(subschema)))
    again = AGAIN if {"unevaluatedProperties", "unevaluatedItems"} & schema.keys() else 1
    for keyword, _, part in subschema.parts:
        if keyword in keywords.IN_PLACE:
            inner = closures[part]
            price += inner.price * again
            deep += inner.deep * again
            for (label, child), times in inner.children.items():
                label = label._replace(plain=label.plain and keyword in {"allOf", "$ref"})
                children[label, child] += times * (1 if label.plain else again)
    return _Closure(price, deep, children)


def _own_children(subschema: Subschema) -> Iterator[tuple[tuple[Label, Subschema], int]]:
    """Yield the subschemas for parts of the value, and how often each is applied."""
    named = frozenset(str(key) for key, _ in subschema.of("properties"))
    first = len(subschema.of("prefixItems"))
    again = AGAIN if "unevaluatedItems" in subschema.schema else 1
    for keyword, key, part in subschema.parts:
        if keyword == "properties":
            yield (Label("member", key, frozenset(), True), part), 1
        elif keyword == "patternProperties":
            yield (Label("member", None, frozenset(), False), part), 1
        elif keyword in keywords.OF_MEMBERS:
            yield (Label("member", None, named, False), part), 1
        elif keyword in keywords.OF_NAMES:
            yield (Label("name", None, frozenset(), False), part), 1
        elif keyword == "prefixItems":
            yield (Label("item", key, frozenset(), False), part), 1
        elif keyword in keywords.OF_ITEMS:
            before = frozenset(map(str, range(first if keyword == "items" else 0)))
            yield (Label("item", None, before, False), part), again if keyword == "contains" else 1


def _with_children(closure: _Closure, prices: dict[Subschema, Price]) -> tuple[Price, int]:
    """Return the maximum cost of the value itself or any of its parts, and the work for this."""
    exact: dict[tuple[str, str], Price] = {}
    general: dict[tuple[str, frozenset[str]], Price] = {}
    for (label, child), times in closure.children.items():
        price = prices[child] * times
        if label.key is None:
            group = (label.kind, label.excepted)
            general[group] = general.get(group, FREE) + price
        else:
            part = (label.kind, str(label.key))
            exact[part] = exact.get(part, FREE) + price
    most = closure.price
    others = {(kind, None): FREE for kind, _ in general}
    for (kind, key), price in [*exact.items(), *others.items()]:
        for (other, excepted), more in general.items():
            if other == kind and key not in excepted:
                price += more
        most = most.or_more(price)
    work = 1 + len(closure.children) + len(exact) * len(general)
    return Price(most.value + closure.deep, most.character), work
