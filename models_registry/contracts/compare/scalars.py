"""Candidate scalars for counterexamples: boundary values, and matches of regular expressions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from models_registry.contracts.fingerprints import canonical_json

# In none of the usual character classes, and so refused by most patterns.
ODD = "~"
ONE_OF_EACH_TYPE: tuple[Any, ...] = ("a", ODD, 1, 0.5, True, None, {}, [], "", 0, -1, False)
LARGEST = 2**63 - 1024
TEXT_LIMIT = 5000
VALUES_LIMIT = 60
# Of a text made from a regular expression.
MATCH_LIMIT = 200
ESCAPES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "t": "\t", "n": "\n"}
NEGATED = "aA0 -_.@é"


def scalars(schemas: list[dict[str, Any]]) -> list[Any]:
    """Return values worth trying for these schemas together, the most promising first."""
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
    """Return options that are not in all of the lists."""
    by_text = [{canonical_json(option): option for option in options} for options in enums]
    common = set(by_text[0]).intersection(*by_text) if by_text else set()
    options = chain.from_iterable(one.items() for one in by_text)
    return list(islice((option for text, option in options if text not in common), 10))


def _few(options: list[Any]) -> list[Any]:
    """Return the first and the last options, where values are most often added and removed."""
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
    """Yield texts with lengths at the bounds, made of texts that match the patterns."""
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


def texts(pattern: str) -> Iterator[str]:
    """Yield a few texts that a regular expression may match: the shortest, and longer repeats.

    This covers common patterns. Other patterns may refuse the texts: the validator decides.
    """
    seen = set()
    for more in (0, 1, 3):
        reader = _Reader(pattern, more)
        text = reader.alternatives()[:MATCH_LIMIT]
        if text not in seen:
            seen.add(text)
            yield text


class _Reader:
    """Reads a pattern once; repeats are `more` than their minimum."""

    def __init__(self, pattern: str, more: int) -> None:
        self._pattern, self._more, self._at = pattern, more, 0

    def alternatives(self) -> str:
        """Read to the end of the group; returns one of its alternatives."""
        found = [self._sequence()]
        while self._take("|"):
            found.append(self._sequence())
        return found[min(self._more, len(found) - 1)]

    def _sequence(self) -> str:
        text = ""
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            text += self._repeated(self._atom())
            if len(text) > MATCH_LIMIT:
                self._at = len(self._pattern)
        return text

    def _atom(self) -> str:
        character = self._next()
        if character == "(":
            if self._take("?"):
                self._skip_group_kind()
            inner = self.alternatives()
            self._take(")")
            return inner
        if character == "[":
            return self._of_class()
        if character == "\\":
            return self._escaped()
        return {"^": "", "$": "", ".": "a"}.get(character, character)

    def _repeated(self, atom: str) -> str:
        least, most = 1, 1
        if self._take("*"):
            least, most = 0, MATCH_LIMIT
        elif self._take("+"):
            most = MATCH_LIMIT
        elif self._take("?"):
            least = 0
        elif self._take("{"):
            least, most = self._counts()
        self._take("?")
        return atom * min(least + self._more, most, MATCH_LIMIT)

    def _counts(self) -> tuple[int, int]:
        inside, _, rest = self._pattern[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not least.isdecimal():
            return 1, 1
        self._at = len(self._pattern) - len(rest)
        number = int(least[:6])
        return number, (int(most[:6]) if most.isdecimal() else MATCH_LIMIT) if comma else number

    def _of_class(self) -> str:
        is_negated = self._take("^")
        members = ""
        while self._at < len(self._pattern) and not (members and self._pattern[self._at] == "]"):
            character = self._next()
            members += self._escaped() if character == "\\" else character
        self._take("]")
        if not is_negated:
            return members[:1]
        return next((one for one in NEGATED if one not in members), "~")

    def _escaped(self) -> str:
        character = self._next()
        if character in "pP" and self._take("{"):
            while self._at < len(self._pattern) and self._next() != "}":
                pass
            return "a"
        if character in "bB":
            return ""
        return ESCAPES.get(character, character)

    def _skip_group_kind(self) -> None:
        """Skip `?:` or `?<name>`."""
        if self._next() == "<":
            while self._at < len(self._pattern) and self._next() != ">":
                pass

    def _take(self, character: str) -> bool:
        is_there = self._pattern[self._at : self._at + 1] == character
        self._at += is_there
        return is_there

    def _next(self) -> str:
        character = self._pattern[self._at : self._at + 1]
        self._at += 1
        return character
