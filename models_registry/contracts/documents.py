"""Checking a document as a contract: every reason why it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings

from models_registry.contracts import patterns, weights
from models_registry.contracts.caches import BoundedCache
from models_registry.contracts.cost import LEADS_BACK, TOO_COSTLY, TooCostly, price_of
from models_registry.contracts.factory import make_validator
from models_registry.contracts.fingerprints import digest, document_fingerprint
from models_registry.contracts.strict_json import depth_of_value, pointer
from models_registry.contracts.subschemas import Contract, Subschema
from models_registry.errors import FAULTS_SOUGHT, Fault

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SUBSCHEMA_LIMIT = 2000
# Entries of one `enum`, `required`, `type` etc.; also keeps the meta-schema's `uniqueItems` fast.
LIST_LIMIT = 1000
PATTERNS_LIMIT = 200
MESSAGE_LIMIT = 300
TOO_MANY = f"This has more than {LIST_LIMIT} entries."
NOT_NAMES = "Every entry must be a string."
# With these faults the meta-schema is skipped: it would take too long.
SLOW_TO_CHECK = {TOO_MANY, NOT_NAMES, TOO_COSTLY, LEADS_BACK}
NAME_LISTS = ("required", "type", "dependentRequired")

_accepted: BoundedCache[bool] = BoundedCache(entries=4096, weight=4096)


def check_contract(document: Any) -> list[Fault]:
    """Return every reason why `document` is no acceptable contract; [] if it is one.

    Pointers are relative to the document. A contract is an object that is a valid Draft 2020-12
    schema within the limits of size, depth and cost, with usable patterns and without references
    out of itself. `$id` only names parts of the document; `format` and unknown keywords don't
    restrict values and may have any value. Never raises for any JSON value.
    """
    text = _text_of(document)
    # Most texts have been accepted before, which also skips the check of the depth.
    seen = digest(text)
    if _accepted.get(seen):
        return []
    faults = list(_faults_of_size(document, text)) or _faults_of_new(document)
    if not faults:
        _accepted.put(seen, True, weight=1)
    return faults


def _text_of(document: Any) -> bytes:
    """Return the text of a document; b"" if it has none, such as for huge integers."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return b""


def _faults_of_size(document: Any, text: bytes) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield Fault("", "A contract must be an object.")
    elif depth_of_value(document) > settings.SCHEMA_DEPTH_LIMIT:
        yield Fault("", f"The schema nests deeper than {settings.SCHEMA_DEPTH_LIMIT} levels.")
    elif not text:
        yield Fault("", "The schema holds what JSON between systems can't.")
    elif len(text) > settings.SCHEMA_LIMIT_BYTES:
        limit = settings.SCHEMA_LIMIT_BYTES // 1024
        yield Fault("", f"The schema is larger than {limit} KiB.")


def _faults_of_new(document: dict[str, Any]) -> list[Fault]:
    """Check a document whose text is new, unless its fingerprint is known."""
    key = document_fingerprint(document)
    if _accepted.get(key):
        return []
    try:
        faults = _faults_within_size(document)
    except (ValueError, RecursionError, OverflowError):
        faults = [Fault("", "The schema can't be read.")]
    if not faults:
        _accepted.put(key, True, weight=1)
    return faults


def _faults_within_size(document: dict[str, Any]) -> list[Fault]:
    contract = Contract(document)
    if len(contract.subschemas) > SUBSCHEMA_LIMIT:
        return [Fault("", f"The schema has more than {SUBSCHEMA_LIMIT} subschemas.")]
    faults = [
        *contract.faults,
        *contract.objections,
        *_faults_of_lists(contract),
        *(_faults_of_patterns(contract) or _faults_of_cost(contract)),
    ]
    if not any(fault.message in SLOW_TO_CHECK for fault in faults):
        faults += _faults_by_meta_schema(document)
    return list(dict.fromkeys(faults))[:FAULTS_SOUGHT] or list(_faults_of_compiling(document))


def _faults_of_lists(contract: Contract) -> Iterator[Fault]:
    """Yield faults of lists, which the meta-schema would be slow to find."""
    for subschema in _objects(contract):
        for keyword, value in subschema.schema.items():
            at = pointer(subschema.pointer, keyword)
            if keyword in {"enum", *NAME_LISTS} and isinstance(value, list):
                yield from _faults_of_list(at, value, of_names=keyword in NAME_LISTS)
            elif keyword in {"dependentRequired", "dependencies"} and isinstance(value, dict):
                for key, names in value.items():
                    if isinstance(names, list):
                        yield from _faults_of_list(pointer(at, key), names, of_names=True)


def _faults_of_list(at: str, value: list[Any], *, of_names: bool) -> Iterator[Fault]:
    if len(value) > LIST_LIMIT:
        yield Fault(at, TOO_MANY)
    elif of_names and not all(isinstance(name, str) for name in value):
        yield Fault(at, NOT_NAMES)


@cache
def _meta_schema() -> Validator:
    # Only imported for the first new contract: it takes a tenth of the start of a process.
    from jsonschema import Draft202012Validator

    # No format checker: it would compile the document's patterns with Python's `re`.
    return Draft202012Validator(Draft202012Validator.META_SCHEMA)


def _faults_by_meta_schema(document: dict[str, Any]) -> Iterator[Fault]:
    for error in islice(_meta_schema().iter_errors(document), FAULTS_SOUGHT):
        at = ""
        for key in error.absolute_path:
            at = pointer(at, key)
        yield Fault(at, shortened(error.message))


def _faults_of_patterns(contract: Contract) -> list[Fault]:
    faults: list[Fault] = []
    checked: dict[str, str] = {}
    for subschema in _objects(contract):
        for pattern in weights.patterns(subschema.schema):
            if len(checked) >= PATTERNS_LIMIT and pattern not in checked:
                return [Fault("", f"The schema has more than {PATTERNS_LIMIT} patterns.")]
            if pattern not in checked:
                checked[pattern] = _reason_against(pattern)
            if checked[pattern]:
                faults.append(Fault(_at_pattern(subschema, pattern), checked[pattern]))
    return faults


def _at_pattern(subschema: Subschema, pattern: str) -> str:
    if subschema.schema.get("pattern") == pattern:
        return pointer(subschema.pointer, "pattern")
    return pointer(pointer(subschema.pointer, "patternProperties"), pattern)


def _reason_against(pattern: str) -> str:
    if len(pattern) > patterns.PATTERN_LIMIT:
        return f"The pattern is longer than {patterns.PATTERN_LIMIT} characters."
    if ambiguous := patterns.read_in_two_ways(pattern):
        return f"The pattern can't be used: {ambiguous!r} is read in two ways; write it otherwise."
    try:
        make_validator({"pattern": pattern})
    except ValueError:
        return (
            "The pattern can't be used: it is no regular expression, is too large, or has what"
            " a linear engine can't do (look-around, back-references)."
        )
    return ""


def _faults_of_cost(contract: Contract) -> list[Fault]:
    try:
        price_of(contract)
    except TooCostly as error:
        return [error.fault]
    return []


def _faults_of_compiling(document: dict[str, Any]) -> Iterator[Fault]:
    try:
        make_validator(document)
    except ValueError as error:
        yield Fault("", shortened(f"The schema can't be compiled: {error}"))


def _objects(contract: Contract) -> Iterator[Subschema]:
    return (
        subschema
        for subschema in contract.subschemas.values()
        if isinstance(subschema.schema, dict)
    )


def shortened(message: str) -> str:
    """Return `message` within the limit of one message."""
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"
