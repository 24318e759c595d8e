"""The diff of two schemas, keyword by keyword, in words for a person.

Only annotations are skipped: an unknown keyword is reported as changed. Whether a change is
compatible is not decided here but by `verdict.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from models_registry.contracts import keywords
from models_registry.contracts.compare.wording import Words, of_keyword, of_options
from models_registry.contracts.fingerprints import canonical_json, without_annotations
from models_registry.contracts.strict_json import pointer

ABSENT = object()
CONDITION = ("if", "then", "else")
# Lists whose options may be added and removed.
BRANCHES = ("enum", "anyOf", "oneOf", "allOf")


@dataclass(frozen=True)
class Change:
    """One difference; `apply` makes this change alone in a copy of the old subschema.

    `at` are the keys from the document down to that subschema. `pointer` leads to what changed: in
    the new document, or in the old one if it was removed.
    """

    pointer: str
    keyword: str
    kind: str
    message: str
    at: tuple[str | int, ...]
    apply: Callable[[dict[str, Any]], None]


def changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Yield the differences between two contracts, outer ones before inner ones."""
    yield from _of_schemas(old, new, ())


def _of_schemas(old: Any, new: Any, at: tuple[str | int, ...]) -> Iterator[Change]:
    reported: tuple[str, ...] = ()
    if ("if" in old) is not ("if" in new):
        reported = CONDITION
        yield _condition(old, new, at)
    for keyword in dict.fromkeys([*new, *old]):
        before, after = old.get(keyword, ABSENT), new.get(keyword, ABSENT)
        is_skipped = keyword in reported or keyword in keywords.ANNOTATIONS
        if not is_skipped and not _equal(before, after):
            yield from _of_keyword(keyword, before, after, at)


def _condition(old: Any, new: Any, at: tuple[str | int, ...]) -> Change:
    """Return the change of an added or removed condition: its parts mean nothing by themselves."""
    before, after = (
        {keyword: schema[keyword] for keyword in CONDITION if keyword in schema}
        for schema in (old, new)
    )

    def apply(schema: dict[str, Any]) -> None:
        for keyword in before:
            del schema[keyword]
        schema.update(after)

    is_new = "if" in new
    words = of_keyword("if", ABSENT if is_new else before, after if is_new else ABSENT)
    return _change(words, "if", (*at, "if"), at, apply)


def _of_keyword(
    keyword: str, before: Any, after: Any, at: tuple[str | int, ...]
) -> Iterator[Change]:
    is_in_both = ABSENT not in (before, after)
    if keyword in keywords.MAPS and not _both_empty(before, after):
        yield from _of_maps(keyword, _or_empty(before), _or_empty(after), at)
    elif keyword in keywords.LISTS and _correspond(keyword, before, after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _of_places(keyword, one, other, (*at, keyword, index), at)
    elif keyword in keywords.SINGLE and is_in_both:
        yield from _of_places(keyword, before, after, (*at, keyword), at)
    elif keyword in BRANCHES and is_in_both:
        yield from _of_options(keyword, before, after, at)
    elif keyword == "required":
        yield from _of_required(before, after, at)
    else:
        yield _whole(keyword, before, after, at)


def _of_places(
    keyword: str, before: Any, after: Any, place: tuple[str | int, ...], at: tuple[str | int, ...]
) -> Iterator[Change]:
    """Yield the differences at one place of both schemas; `at` is the schema around it."""
    if _equal(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_schemas(before, after, place)
        return
    inner = place[len(at) :]
    name = str(inner[-1]) if keyword in keywords.MAPS else None
    words = of_keyword(keyword, before, after, name=name)

    def apply(schema: dict[str, Any]) -> None:
        holder: Any = schema
        for key in inner[:-1]:
            holder = holder[key]
        holder[inner[-1]] = after

    yield _change(words, keyword, place, at, apply)


def _of_maps(
    keyword: str, before: dict[str, Any], after: dict[str, Any], at: tuple[str | int, ...]
) -> Iterator[Change]:
    for key in dict.fromkeys([*after, *before]):
        one, other = before.get(key, ABSENT), after.get(key, ABSENT)
        if ABSENT not in (one, other):
            yield from _of_places(keyword, one, other, (*at, keyword, key), at)
            continue

        def apply(schema: dict[str, Any], key: str = key, other: Any = other) -> None:
            members = schema.setdefault(keyword, {})
            if other is ABSENT:
                del members[key]
            else:
                members[key] = other

        words = of_keyword(keyword, one, other, name=key)
        yield _change(words, keyword, (*at, keyword, key), at, apply)


def _of_options(
    keyword: str, before: list[Any], after: list[Any], at: tuple[str | int, ...]
) -> Iterator[Change]:
    """Yield one change for the added options of a list, and one for the removed ones."""
    old, new = ({_text(keyword, one): one for one in options} for options in (before, after))
    added = [option for text, option in new.items() if text not in old]
    removed = [option for text, option in old.items() if text not in new]
    place = (*at, keyword)
    kept = [option for text, option in old.items() if text in new]
    # A list of schemas may not be empty: then the change can't be made alone.
    if removed and (kept or keyword == "enum"):
        words = of_options(keyword, removed, is_there=False)
        yield _change(words, keyword, place, at, lambda schema: schema.update({keyword: kept}))
    if added and (kept or keyword == "enum"):
        more = [*before, *added]
        words = of_options(keyword, added, is_there=True)
        yield _change(words, keyword, place, at, lambda schema: schema.update({keyword: more}))
    if not (added or removed) or not (kept or keyword == "enum"):
        yield _whole(keyword, before, after, at)


def _of_required(before: Any, after: Any, at: tuple[str | int, ...]) -> Iterator[Change]:
    """Yield one change for each name; adding or removing an empty list is a change too."""
    old, new = ([] if names is ABSENT else names for names in (before, after))
    if set(old) == set(new):
        yield _whole("required", before, after, at)
    for name in dict.fromkeys([*new, *old]):
        if (name in old) == (name in new):
            continue

        def apply(schema: dict[str, Any], name: str = name) -> None:
            names = schema.get("required", [])
            schema["required"] = (
                [*names, name] if name in new else [one for one in names if one != name]
            )

        words = of_keyword("required", name in old, name in new, name=name)
        yield _change(words, "required", (*at, "required"), at, apply)


def _whole(keyword: str, before: Any, after: Any, at: tuple[str | int, ...]) -> Change:
    """Return the change of a whole keyword: added, removed or set to another value."""

    def apply(schema: dict[str, Any]) -> None:
        if after is ABSENT:
            del schema[keyword]
        else:
            schema[keyword] = after

    return _change(of_keyword(keyword, before, after), keyword, (*at, keyword), at, apply)


def _change(
    words: Words,
    keyword: str,
    place: tuple[str | int, ...],
    at: tuple[str | int, ...],
    apply: Callable[[dict[str, Any]], None],
) -> Change:
    path = ""
    for key in place:
        path = pointer(path, key)
    return Change(path, keyword, words.kind, words.message, at, apply)


def _correspond(keyword: str, before: Any, after: Any) -> bool:
    """Return whether each schema of one list corresponds to the one at its index in the other."""
    if ABSENT in (before, after) or len(before) != len(after):
        return False
    old, new = ([_text(keyword, one) for one in schemas] for schemas in (before, after))
    moved = (
        (one in new or other in old) and one != other for one, other in zip(old, new, strict=True)
    )
    return keyword == "prefixItems" or not any(moved)


def _text(keyword: str, option: Any) -> bytes:
    """Return the same text for options that mean the same."""
    return canonical_json(option if keyword == "enum" else without_annotations(option))


def _both_empty(before: Any, after: Any) -> bool:
    return all(members is ABSENT or not members for members in (before, after))


def _or_empty(members: Any) -> dict[str, Any]:
    return {} if members is ABSENT else members


def _equal(before: Any, after: Any) -> bool:
    if ABSENT in (before, after):
        return before is after
    return canonical_json(before) == canonical_json(after)
