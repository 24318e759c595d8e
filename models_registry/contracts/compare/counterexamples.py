"""Counterexamples: a document that one schema accepts and another refuses, found by search.

The candidates are boundary values of both schemas: bounds and their neighbours, each type,
properties left out and properties added. The work is counted, never timed, so that the same two
schemas always have the same result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from models_registry.contracts.compare.operand import (
    Operand,
    Parts,
    for_item,
    for_member,
    schemas,
    together,
)
from models_registry.contracts.compare.scalars import scalars
from models_registry.contracts.keywords import OF_ITEMS, OF_MEMBERS, OF_NAMES

# In the units of `weights.py` (10 ns): 0.3 s for a comparison, a tenth of it for each change.
BUDGET, BUDGET_OF_CHANGE = 30_000_000, 3_000_000
# The cost of a candidate beside its checks, and the cost of starting with a place.
TRY, PLACE = 1500, 10_000
# A shallow counterexample says more; deeper ones are only sought if there is none.
DEPTHS = (1, 2, 3, 6)
NAMES_LIMIT = 40
# Values kept for one place, of each kind: they separate the operands, they fit, or neither.
KEPT = 8
TRIED = 400
LENGTH_LIMIT = 60
FRESH = "unlisted"
OF_OBJECTS = {"required", "dependentRequired", "dependentSchemas", *OF_MEMBERS, *OF_NAMES} | {
    "minProperties",
    "maxProperties",
}
OF_ARRAYS = {*OF_ITEMS, "minItems", "maxItems", "uniqueItems"}


class _Spent(Exception):
    """The budget is used up."""


class Budget:
    """The work that a search may still do."""

    def __init__(self, units: float) -> None:
        self.left = units

    def spend(self, units: float) -> None:
        self.left -= units
        if self.left < 0:
            raise _Spent


def find_counterexample(
    narrow: Operand, wide: Operand, budget: Budget, known: Iterable[Any] = ()
) -> list[Any]:
    """Return [document] that `narrow` accepts and `wide` refuses, checked; [] if none is found.

    Counterexamples `known` from another search are tried first.
    """
    search = _Search(narrow, wide, budget)
    found = (search.candidates(narrow.root, wide.root, depth) for depth in DEPTHS)
    try:
        for document in chain(known, chain.from_iterable(found)):
            search.spend()
            if narrow.accepts(document) is True and wide.accepts(document) is False:
                return [document]
    except _Spent:
        pass
    return []


class _Search:
    """One search; the parts `narrow` and `wide` are always those for one place of a document."""

    def __init__(self, narrow: Operand, wide: Operand, budget: Budget) -> None:
        self._narrow, self._wide, self._budget = narrow, wide, budget

    def spend(self) -> None:
        self._budget.spend(TRY + self._narrow.price + self._wide.price)

    def candidates(self, narrow: Parts, wide: Parts, depth: int) -> Iterator[Any]:
        """Yield values for one place, the most promising first, nested at most `depth` levels."""
        self._budget.spend(PLACE)
        narrow, wide = together(narrow), together(wide)
        both = schemas((*narrow, *wide))
        said = {keyword for schema in both for keyword in schema}
        yield from scalars(both)
        if depth and said & OF_OBJECTS:
            yield from islice(self._objects(narrow, wide, depth), TRIED)
        if depth and said & OF_ARRAYS:
            yield from islice(self._arrays(narrow, wide, depth), TRIED)

    def _best(self, narrow: Parts, wide: Parts, depth: int) -> list[Any]:
        """Return the best values for a place: first those that separate the operands."""
        separating, fitting, others = [], [], []
        for value in islice(self.candidates(narrow, wide, depth), TRIED):
            self.spend()
            if not all(self._narrow.part_accepts(part, value) for part in narrow):
                others.append(value)
            elif all(self._wide.part_accepts(part, value) for part in wide):
                fitting.append(value)
            else:
                separating.append(value)
            if len(separating) >= KEPT and len(fitting) >= KEPT:
                break
        return [*separating[:KEPT], *fitting[:KEPT], *others[:KEPT]]

    def _fitting(self, narrow: Parts, values: Iterable[Any]) -> list[Any]:
        """Return the `values` that fit, or all of them if none does."""
        values = list(values)
        fits = self._narrow.part_accepts
        return [value for value in values if all(fits(part, value) for part in narrow)] or values

    def _objects(self, narrow: Parts, wide: Parts, depth: int) -> Iterator[Any]:
        names = _names(narrow, wide)
        values = {
            name: self._best(for_member(narrow, name), for_member(wide, name), depth - 1)
            for name in names
        }
        usual = {
            name: self._fitting(for_member(narrow, name), values[name])[0]
            for name in names
            if values[name]
        }
        bases = [{name: usual[name] for name in base if name in usual} for base in _bases(narrow)]
        yield from bases
        yield from (
            {key: one for key, one in base.items() if key != name}
            for base in bases
            for name in base
        )
        for rank in range(3 * KEPT):
            for name in names:
                for value in values[name][rank : rank + 1]:
                    yield from ({**base, name: value} for base in bases)
        yield from _of_sizes(bases, both=schemas((*narrow, *wide)), value=usual.get(FRESH))

    def _arrays(self, narrow: Parts, wide: Parts, depth: int) -> Iterator[Any]:
        lengths = sorted(
            _lengths(
                schemas((*narrow, *wide)), ("minItems", "maxItems", "minContains", "maxContains")
            )
        )
        prefix = max((len(part.of("prefixItems")) for part in (*narrow, *wide)), default=0)
        values = [
            self._best(for_item(narrow, index), for_item(wide, index), depth - 1)
            for index in [*range(min(prefix, NAMES_LIMIT)), None]
        ]
        contained = [
            value
            for part in (*narrow, *wide)
            for _, other in part.of("contains")
            for value in self._best((other,), (), depth - 1)[:KEPT]
        ]
        usual = [
            self._fitting(for_item(narrow, index), values[index]) for index in range(len(values))
        ]
        yield from _filled(usual, lengths, contained)
        for index, choices in enumerate(values):
            for value in choices:
                head = [one[0] for one in usual[:index] if one]
                yield [*head, value]
                yield [*head, value, *[one[0] for one in usual[index + 1 :] if one]]
                yield [*head, value, value]
                differing = [one for one in usual[-1] if one is not value]
                yield from ([*head, value, *differing][:length] for length in lengths)


def _names(narrow: Parts, wide: Parts) -> list[str]:
    """Return names to try: differing, required, matching, others, and a new one."""
    ours, others = _rules_by_name(narrow), _rules_by_name(wide)
    differing = [name for name in {**others, **ours} if ours.get(name) != others.get(name)]
    required = [name for one in schemas(narrow) for name in one.get("required", ())]
    found = [*differing[:NAMES_LIMIT], *required[: 2 * NAMES_LIMIT], *_like_names(narrow, wide)]
    return list(dict.fromkeys([*found, *islice(ours, NAMES_LIMIT), FRESH]))


def _rules_by_name(parts: Parts) -> dict[str, list[Any]]:
    """Return the rules of one operand for each property, to be compared."""
    found: dict[str, list[Any]] = {}
    for schema in schemas(parts):
        for keyword in ("properties", "dependentRequired", "dependentSchemas"):
            for name, rule in (schema.get(keyword) or {}).items():
                found.setdefault(name, []).append(rule)
        mentioned = [
            schema.get("required") or [],
            *(schema.get("dependentRequired") or {}).values(),
        ]
        for name in chain.from_iterable(mentioned):
            found.setdefault(name, []).append("required")
    return found


def _like_names(narrow: Parts, wide: Parts) -> list[str]:
    """Return names that match `patternProperties` and `propertyNames`."""
    both = schemas((*wide, *narrow))
    said = [{"pattern": pattern} for one in both for pattern in one.get("patternProperties", ())]
    said += [one["propertyNames"] for one in both if isinstance(one.get("propertyNames"), dict)]
    return [name for name in scalars(said) if isinstance(name, str)][:KEPT]


def _bases(narrow: Parts) -> list[list[str]]:
    """Return sets of names to start with: required by one part, by all, listed, and by branch."""
    required = [one["required"] for one in schemas(narrow) if isinstance(one.get("required"), list)]
    dependent = [
        [name, *names]
        for one in schemas(narrow)
        for name, names in (one.get("dependentRequired") or {}).items()
    ]
    least: list[str] = next(iter(required), [])
    every = list(chain.from_iterable(required))
    listed = [name for one in schemas(narrow) for name in one.get("properties", ())]
    bases = [least, every, [*every, *listed], []]
    bases += [[*least, *more] for more in [*required[1:], *dependent][:KEPT]]
    return [list(base) for base in dict.fromkeys(map(tuple, bases))]


def _of_sizes(
    bases: list[dict[str, Any]], *, both: list[dict[str, Any]], value: Any
) -> Iterator[Any]:
    """Yield objects with numbers of properties at the bounds, and one more and less."""
    for length in sorted(_lengths(both, ("minProperties", "maxProperties"))):
        for base in bases[:2]:
            names = (f"{FRESH}{number}" for number in range(LENGTH_LIMIT))
            missing = max(0, length - len(base))
            yield {**base, **{name: value for name in islice(names, missing)}}


def _lengths(both: list[dict[str, Any]], keywords: tuple[str, ...]) -> set[int]:
    bounds = {int(one[keyword]) for one in both for keyword in keywords if keyword in one}
    near = {bound + step for bound in bounds for step in (-1, 0, 1)} | {0, 1, 2}
    return {length for length in near if 0 <= length <= LENGTH_LIMIT}


def _filled(
    usual: list[list[Any]], lengths: list[int], contained: list[Any]
) -> Iterator[list[Any]]:
    """Yield arrays of these lengths: of equal values, of different ones, with contained ones."""
    head, rest = [one[0] for one in usual[:-1] if one], usual[-1]
    for length in lengths:
        missing = max(0, length - len(head))
        yield (head + rest[:1] * missing)[:length]
        yield (head + [*rest, *range(missing)][:missing])[:length]
        for value in contained[: 2 * KEPT]:
            yield (head + [value] * missing)[:length]
            yield (head + rest[:1] * (missing - 1) + [value])[:length]
