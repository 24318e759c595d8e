"""Values at the edges of what schemas say about anything but objects and arrays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from models_registry.contracts.compare.patterns import texts
from models_registry.contracts.fingerprints import canonical_json

# Of no class that patterns name, and so refused by most that ask for anything.
ODD = "~"
ONE_OF_EACH_TYPE: tuple[Any, ...] = ("a", ODD, 1, 0.5, True, None, {}, [], "", 0, -1, False)
LARGEST = 2**63 - 1024
TEXT_LIMIT = 5000
VALUES_LIMIT = 60


def scalars(schemas: list[dict[str, Any]]) -> list[Any]:
    """Return values worth trying for these schemas together, most telling first."""
    found: dict[bytes, Any] = {}
    for value in chain(_of_keywords(schemas), ONE_OF_EACH_TYPE):
        if len(found) >= VALUES_LIMIT:
            break
        if isinstance(value, int | float) and not -LARGEST <= value <= LARGEST:
            continue
        found.setdefault(canonical_json(value), value)
    return list(found.values())


def _of_keywords(schemas: list[dict[str, Any]]) -> Iterator[Any]:
    yield from _in_one_enum_only([one["enum"] for one in schemas if "enum" in one])
    for schema in schemas:
        if "const" in schema:
            yield schema["const"]
        yield from _few(schema.get("enum", []))
        yield from _numbers(schema)
        if "pattern" in schema:
            yield from texts(schema["pattern"])
    yield from _lengths(schemas)


def _in_one_enum_only(enums: list[list[Any]]) -> list[Any]:
    """The options that not all of several lists have."""
    by_text = [{canonical_json(option): option for option in options} for options in enums]
    common = set(by_text[0]).intersection(*by_text) if by_text else set()
    options = chain.from_iterable(one.items() for one in by_text)
    return list(islice((option for text, option in options if text not in common), 10))


def _few(options: list[Any]) -> list[Any]:
    """The first and the last, among which a value put in or taken out is found most often."""
    return options if len(options) <= VALUES_LIMIT // 3 else options[:10] + options[-10:]


def _numbers(schema: dict[str, Any]) -> Iterator[float]:
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if keyword in schema:
            bound = schema[keyword]
            yield from (bound, bound + 1, bound - 1, bound + 0.5, bound - 0.5)
    if "multipleOf" in schema:
        divisor = schema["multipleOf"]
        yield from (divisor, 2 * divisor, 3 * divisor, divisor / 2, divisor * 10, -divisor)


def _lengths(schemas: list[dict[str, Any]]) -> Iterator[str]:
    """Yield texts of the lengths at the bounds, as texts that match the patterns where they can."""
    kinds = [
        "a",
        ODD,
        *(text for one in schemas if "pattern" in one for text in texts(one["pattern"])),
    ]
    for schema in schemas:
        for keyword in ("minLength", "maxLength"):
            bound = schema.get(keyword, -1)
            for length in (bound - 1, bound, bound + 1):
                if 0 <= length <= TEXT_LIMIT:
                    for kind in kinds:
                        yield (kind + kind[-1:] * int(length))[: int(length)]
