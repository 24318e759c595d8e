"""A stored payload as text to read, with each warning at the place that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

# Nobody reads more of it here.
LINES_LIMIT = 600
VALUE_CHARACTERS = 400


class Line(NamedTuple):
    """One line of JSON, and the messages about the value that begins there."""

    text: str
    messages: list[str]


class Payload(NamedTuple):
    """The lines, the warnings whose place is not among them, and whether there are more lines."""

    lines: list[Line]
    elsewhere: list[str]
    is_cut: bool


def marked(payload: Any, warnings: list[str], name: str = "input") -> Payload:
    """Return `payload` as lines; a warning such as "input/route: ..." stands at its pointer."""
    lines, left = [], list(warnings)
    found = list(islice(_lines(payload, "", "", "", ""), LINES_LIMIT + 1))
    for pointer, text in found[:LINES_LIMIT]:
        start = f"{name}{pointer}: "
        here = [] if pointer is None else [each for each in left if each.startswith(start)]
        lines.append(Line(text, [each.removeprefix(start) for each in here]))
        left = [each for each in left if each not in here]
    return Payload(lines, left, len(found) > LINES_LIMIT)


def _lines(
    value: Any, pointer: str, indent: str, label: str, tail: str
) -> Iterator[tuple[str | None, str]]:
    """Yield each line with the pointer of the value that begins there; None where one ends."""
    parts = _parts(value)
    if not parts:
        yield pointer, f"{indent}{label}{_plain(value)}{tail}"
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield pointer, f"{indent}{label}{opening}"
    for number, (key, name, part) in enumerate(parts, start=1):
        comma = "," if number < len(parts) else ""
        yield from _lines(part, f"{pointer}/{key}", f"{indent}  ", name, comma)
    yield None, f"{indent}{closing}{tail}"


def _parts(value: Any) -> list[tuple[str, str, Any]]:
    """Return what is inside an object or an array: token of a pointer, label, and value."""
    if isinstance(value, dict):
        return [
            (key.replace("~", "~0").replace("/", "~1"), f"{_plain(key)}: ", part)
            for key, part in value.items()
        ]
    return [(str(at), "", part) for at, part in enumerate(value)] if isinstance(value, list) else []


def _plain(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= VALUE_CHARACTERS else f"{text[: VALUE_CHARACTERS - 1]}…"
