"""The cost of each keyword for one value, measured with jsonschema-rs 0.60.3 in units of 10 ns."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from models_registry.contracts.patterns import positions

# Comparing numbers uses exact arithmetic: measured 1.6 µs for a fraction.
FRACTION, INTEGER, CONTAINER = 220, 35, 15
# Dividing exactly: 1 to 2 µs for an everyday fraction and value, 30 µs for 5e-324.
DIVISION, DIVISION_BY_DECADE = 1000, 10
# Comparing with a bound takes 10 to 30 ns, with exact arithmetic 1.4 µs.
BOUND, FAR_BOUND = 3, 200
FAR = 1e15  # beyond it, and below 1/FAR, comparing and dividing use exact arithmetic
# Hashing a value and all below it, for `uniqueItems`.
HASHING = 30
# For each position of a pattern and each character: measured 5 to 16 ns.
POSITION = 1.6
# A keyword implemented in Python (factory.py): measured 0.3 µs.
CALL = 60
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class Price(NamedTuple):
    """Units for each value, and for each character of its text."""

    value: float
    character: float

    def __add__(self, other: Price) -> Price:  # type: ignore[override]
        return Price(self.value + other.value, self.character + other.character)

    def __mul__(self, times: int) -> Price:  # type: ignore[override]
        return Price(self.value * times, self.character * times)

    def or_more(self, other: Price) -> Price:
        return Price(max(self.value, other.value), max(self.character, other.character))

    def exceeds(self, limit: Price) -> bool:
        return self.value > limit.value or self.character > limit.character


FREE = Price(0, 0)


def of_keywords(schema: dict[str, Any]) -> Price:
    """Return the price of the keywords of one schema object, without its subschemas."""
    value = 2.0 + 2 * len(schema) + _of_values(schema) + _of_numbers(schema) + _of_names(schema)
    return Price(value, sum(POSITION * positions(pattern) for pattern in patterns(schema)))


def deep(schema: dict[str, Any]) -> float:
    """Return the price for every value below, of keywords that check whole trees."""
    return HASHING if schema.get("uniqueItems") is True else 0


def patterns(schema: dict[str, Any]) -> list[str]:
    """Return the regular expressions of one schema object."""
    members = schema.get("patternProperties")
    found = list(members) if isinstance(members, dict) else []
    if isinstance(schema.get("pattern"), str):
        found.append(schema["pattern"])
    return found


def _of_values(schema: dict[str, Any]) -> float:
    price = _comparison(schema["const"]) if "const" in schema else 0.0
    options = schema.get("enum")
    if not isinstance(options, list):
        return price
    if len({type(option) for option in options}) == 1 and isinstance(options[0], str | int):
        return price + 5  # hashed
    return price + sum(_comparison(option) for option in options)


def _comparison(value: Any) -> float:
    if isinstance(value, float):
        return FRACTION
    if isinstance(value, int) and not isinstance(value, bool):
        return INTEGER
    if isinstance(value, dict):
        return CONTAINER + sum(3 + _comparison(item) for item in value.values())
    if isinstance(value, list):
        return CONTAINER + sum(_comparison(item) for item in value)
    return 3


def _of_numbers(schema: dict[str, Any]) -> float:
    bounds = [schema[keyword] for keyword in BOUNDS if _is_number(schema.get(keyword))]
    price = sum(FAR_BOUND if is_far(bound) else BOUND for bound in bounds)
    return price + _of_division(schema.get("multipleOf"))


def _of_division(divisor: Any) -> float:
    if not _is_number(divisor) or divisor <= 0:
        return 0
    if isinstance(divisor, int):
        return 20
    return DIVISION + DIVISION_BY_DECADE * abs(math.log10(divisor))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_far(number: float) -> bool:
    """Return whether `number` needs exact arithmetic, which is many times slower."""
    return abs(number) > FAR or (number != 0 and abs(number) < 1 / FAR)


def _of_names(schema: dict[str, Any]) -> float:
    # `properties` and `required` cost per member, and members are values too.
    price = 0.0
    for keyword in ("patternProperties", "dependentSchemas"):
        names = schema.get(keyword)
        price += 2 * len(names) if isinstance(names, dict) else 0
    dependent = schema.get("dependentRequired")
    if isinstance(dependent, dict):
        price += sum(2 + 2 * len(names) for names in dependent.values() if isinstance(names, list))
    if "dependencies" in schema:
        price += CALL
    return price
