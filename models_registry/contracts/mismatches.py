"""Why a payload does not fit a contract, found by asking only "does this part fit?".

The library's own lists of errors are no use here. They are made whole before the first can be
read, with a copy of the value in each: 500,000 wrong numbers took 9 s and 760 MB, and recursive
alternatives twenty levels deep more than a minute. Its yes or no is fast and remembers what it
has seen; so this walks down from the whole to the parts that don't fit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jsonschema_rs
import orjson

from models_registry.contracts import keywords
from models_registry.contracts.factory import PartFactory, make_validator
from models_registry.contracts.subschemas import Contract, Subschema
from models_registry.errors import Fault
from models_registry.strict_json import pointer

MESSAGE_LIMIT = 500
EXPECTED_LIMIT = 200
# Seconds after which no further part is looked at.
PATIENCE_SECONDS = 0.25
# Of subschemas on the way to one fault; a chain of references can be longer than the stack.
STEPS_LIMIT = 150

# Keywords that can be asked by themselves, and what they say was expected.
EXPECTATIONS = {
    "type": "expected the type {}",
    "enum": "expected one of {}",
    "const": "expected {}",
    "multipleOf": "expected a multiple of {}",
    "minimum": "expected at least {}",
    "maximum": "expected at most {}",
    "exclusiveMinimum": "expected more than {}",
    "exclusiveMaximum": "expected less than {}",
    "minLength": "expected at least {} characters",
    "maxLength": "expected at most {} characters",
    "pattern": "expected text that matches {}",
    "minItems": "expected at least {} items",
    "maxItems": "expected at most {} items",
    "uniqueItems": "expected items that all differ",
    "minProperties": "expected at least {} properties",
    "maxProperties": "expected at most {} properties",
    "dependentRequired": "expected the properties that others here depend on: {}",
}
# Of several subschemas together, and what they say when they refuse.
ALTERNATIVES = {
    "anyOf": "expected to fit one of {} alternatives",
    "oneOf": "expected to fit exactly one of {} alternatives",
}
REMAINING = {
    "not": "fits what it must not fit",
    "contains": "expected items that fit the contract's `contains`, in the number it asks for",
    "propertyNames": "a property's name is not allowed",
    "unevaluatedProperties": "a property is not allowed, or does not fit",
    "unevaluatedItems": "an item is not allowed, or does not fit",
}


class Search:
    """Finds the faults of payloads, one after the other; keeps what it made for the parts."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._parts = PartFactory(contract.document)
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._explanations = (
            self._of_value,
            self._of_same_value,
            self._of_parts,
            self._of_alternatives,
        )
        self._until = 0.0

    @property
    def parts_kept(self) -> int:
        return len(self._validators)

    def faults(self, payload: Any) -> Iterator[Fault]:
        """Yield the faults of a payload that is known not to fit; nothing when none was found."""
        self._until = time.monotonic() + PATIENCE_SECONDS
        # What a dynamic reference means depends on the way to it; parts can't be asked alone.
        if self._contract.is_bundle and self._contract.dynamic:
            return
        seen = set()
        for fault in self._below(self._contract.root, payload, "", "", 0):
            if fault not in seen:
                seen.add(fault)
                yield fault

    def _below(
        self, subschema: Subschema, value: Any, at: str, keyword: str, steps: int
    ) -> Iterator[Fault]:
        """Yield why `value`, which stands at `at`, does not fit `subschema`; nothing if it does."""
        if steps > STEPS_LIMIT or self._fits(subschema, value):
            return
        if subschema.schema is False:
            yield _fault(at, keyword or "false", "nothing is allowed here")
            return
        is_found = False
        for explain in self._explanations:
            for fault in explain(subschema, value, at, steps + 1):
                is_found = True
                yield fault
        if not is_found:
            yield from _remaining(subschema.schema, at)

    def _of_value(self, subschema: Subschema, value: Any, at: str, steps: int) -> Iterator[Fault]:
        """Yield the faults by keywords that need no subschema."""
        for keyword, wanted in subschema.schema.items():
            if keyword == "required" and isinstance(value, dict):
                for name in wanted:
                    if name not in value:
                        yield _fault(at, keyword, f"the property {_shown(name)} is missing")
            elif keyword in EXPECTATIONS:
                alone = f"{subschema.pointer}/{keyword}"
                if not self._asked(alone, partial(make_validator, {keyword: wanted}), value):
                    expected = EXPECTATIONS[keyword].format(_shown(wanted))
                    yield _fault(at, keyword, expected)

    def _of_same_value(
        self, subschema: Subschema, value: Any, at: str, steps: int
    ) -> Iterator[Fault]:
        """Yield the faults by subschemas that are held against the value itself."""
        for keyword in ("allOf", *keywords.REFERENCES):
            for _, part in subschema.of(keyword):
                yield from self._below(part, value, at, keyword, steps)
        if isinstance(value, dict):
            for name, part in subschema.of("dependentSchemas"):
                if name in value:
                    yield from self._below(part, value, at, "dependentSchemas", steps)
        for _, condition in subschema.of("if"):
            branch = "then" if self._fits(condition, value) else "else"
            for _, part in subschema.of(branch):
                yield from self._below(part, value, at, branch, steps)

    def _of_alternatives(
        self, subschema: Subschema, value: Any, at: str, steps: int
    ) -> Iterator[Fault]:
        """Yield the faults by `anyOf` and `oneOf`."""
        for keyword, message in ALTERNATIVES.items():
            parts = subschema.of(keyword)
            if not parts:
                continue
            fitting = sum(self._fits(part, value) for _, part in parts)
            if fitting == 0 or (keyword == "oneOf" and fitting > 1):
                yield _fault(at, keyword, f"{message.format(len(parts))}, fits {fitting}")

    def _of_parts(self, subschema: Subschema, value: Any, at: str, steps: int) -> Iterator[Fault]:
        """Yield the faults of the value's members or items."""
        if isinstance(value, list):
            first = subschema.of("prefixItems")
            for (_, part), (index, item) in zip(first, enumerate(value), strict=False):
                yield from self._below(part, item, pointer(at, index), "prefixItems", steps)
            for _, part in subschema.of("items"):
                for index, item in enumerate(value[len(first) :], start=len(first)):
                    yield from self._below(part, item, pointer(at, index), "items", steps)
        elif isinstance(value, dict):
            for name, member in value.items():
                for keyword, part in self._for_member(subschema, name):
                    yield from self._below(part, member, pointer(at, name), keyword, steps)

    def _for_member(self, subschema: Subschema, name: str) -> Iterator[tuple[str, Subschema]]:
        """Yield the subschemas that are held against the member `name`."""
        is_listed = False
        for key, part in subschema.of("properties"):
            if key == name:
                is_listed = True
                yield "properties", part
        for key, part in subschema.of("patternProperties"):
            alone = f"{subschema.pointer}/pattern {key}"
            if self._asked(alone, partial(make_validator, {"pattern": key}), name):
                is_listed = True
                yield "patternProperties", part
        for _, part in () if is_listed else subschema.of("additionalProperties"):
            yield "additionalProperties", part

    def _fits(self, subschema: Subschema, value: Any) -> bool:
        if isinstance(subschema.schema, bool):
            return subschema.schema
        return self._asked(subschema.pointer, partial(self._parts.make, subschema.pointer), value)

    def _asked(
        self, key: str, make: Callable[[], jsonschema_rs.Draft202012Validator], value: Any
    ) -> bool:
        """Ask a validator, made when first needed; once patience is over all is taken to fit."""
        if time.monotonic() > self._until:
            return True
        if key not in self._validators:
            try:
                self._validators[key] = make()
            except ValueError:  # a part that can't stand alone is not at fault
                return True
        return self._validators[key].is_valid(value)


def _remaining(schema: dict[str, Any], at: str) -> Iterator[Fault]:
    """Yield what is left when no part was found at fault: the keywords that judge as a whole."""
    for keyword, message in REMAINING.items():
        if keyword in schema:
            yield _fault(at, keyword, message)


def _shown(wanted: Any) -> str:
    text = orjson.dumps(wanted).decode()
    return text if len(text) <= EXPECTED_LIMIT else text[: EXPECTED_LIMIT - 1] + "…"


def _fault(at: str, keyword: str, message: str) -> Fault:
    text = f"{keyword}: {message}"
    return Fault(at, text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…")
