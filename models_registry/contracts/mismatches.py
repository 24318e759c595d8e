"""Faults of a payload: why it does not fit a contract, found by validating its parts.

The library's own lists of errors can't be used. They are complete before the first can be read, and
each error has a copy of the value: 500,000 wrong numbers took 9 s and 760 MB, and recursive
alternatives twenty levels deep more than a minute. `is_valid` is fast, so this module walks down
from the whole payload to the parts that are not valid.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from jsonschema_rs import Draft202012Validator as Validator

from models_registry.contracts import keywords
from models_registry.contracts.factory import PartFactory, make_validator
from models_registry.contracts.strict_json import pointer
from models_registry.contracts.subschemas import Contract, Subschema
from models_registry.errors import Fault

MESSAGE_LIMIT = 500
EXPECTED_LIMIT = 200
# The time limit for one payload.
TIME_LIMIT_SECONDS = 0.25
# Subschemas on the way to one fault; a chain of references can be longer than the stack.
STEPS_LIMIT = 150

# Keywords that can be checked by themselves, with the message of a fault.
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
# Keywords with alternative subschemas, with the message of a fault.
ALTERNATIVES = {
    "anyOf": "expected to fit one of {} alternatives",
    "oneOf": "expected to fit exactly one of {} alternatives",
}
# Keywords that apply to a value as a whole; reported if no part of it has a fault.
REMAINING = {
    "not": "fits what it must not fit",
    "contains": "expected items that fit the contract's `contains`, in the number it asks for",
    "propertyNames": "a property's name is not allowed",
    "unevaluatedProperties": "a property is not allowed, or does not fit",
    "unevaluatedItems": "an item is not allowed, or does not fit",
}
# Keywords whose subschemas apply to the value itself, and those for its members or items.
SAME_VALUE = frozenset({"allOf", *keywords.REFERENCES, "dependentSchemas", "if"})
PARTS = frozenset(
    {"properties", "patternProperties", "additionalProperties", "prefixItems", "items"}
)
# Those for members that are not in `properties`.
OF_OTHER_NAMES = frozenset({"patternProperties", "additionalProperties"})

# Called with a subschema, a value that does not fit it, its place and the steps up to there.
Explanation = Callable[[Subschema, Any, str, int], Iterator[Fault]]
# The key of a part of a value, that part, and the keyword and the subschema that apply to it.
Part = tuple[str | int, Any, str, Subschema]


class FaultSearch:
    """Finds the faults of one payload after the other; keeps the validators of subschemas."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._parts = PartFactory(contract.document)
        self._validators: dict[str, Validator] = {}
        # The explanations that apply to a subschema, by its pointer.
        self._explanations: dict[str, list[Explanation]] = {}
        # The keywords of a subschema that need no subschema, with their values and pointers.
        self._own: dict[str, list[tuple[str, Any, str]]] = {}
        self._expected: dict[str, str] = {}
        # The target of a dynamic reference depends on the path to it: parts can't be checked alone.
        self._cannot_explain = contract.is_bundle and bool(contract.dynamic)
        self._until = 0.0

    @property
    def parts_kept(self) -> int:
        return len(self._validators)

    @property
    def ended_early(self) -> bool:
        """Whether the time limit ended the search."""
        return time.monotonic() > self._until

    def faults(self, payload: Any) -> Iterator[Fault]:
        """Yield the faults of a payload that does not fit; nothing if none was found."""
        self._until = time.monotonic() + TIME_LIMIT_SECONDS
        if self._cannot_explain:
            return
        seen = set()
        for fault in self._of_misfit(self._contract.root, payload, "", "", 0):
            if fault not in seen:
                seen.add(fault)
                yield fault

    def _below(
        self, subschema: Subschema, value: Any, at: str, keyword: str, steps: int
    ) -> Iterator[Fault]:
        """Yield why `value`, which is at `at`, does not fit `subschema`; nothing if it fits."""
        if not self._fits(subschema, value):
            yield from self._of_misfit(subschema, value, at, keyword, steps)

    def _of_misfit(
        self, subschema: Subschema, value: Any, at: str, keyword: str, steps: int
    ) -> Iterator[Fault]:
        if steps > STEPS_LIMIT:
            return
        if subschema.schema is False:
            yield _fault(at, keyword or "false", "nothing is allowed here")
            return
        is_found = False
        for explain in self._explanations_of(subschema):
            for fault in explain(subschema, value, at, steps + 1):
                is_found = True
                yield fault
        if not is_found:
            yield from _remaining(subschema.schema, at)

    def _explanations_of(self, subschema: Subschema) -> list[Explanation]:
        found = self._explanations.get(subschema.pointer)
        if found is None:
            found = [self._of_value]
            if subschema.has_any(SAME_VALUE):
                found.append(self._of_same_value)
            if subschema.has_any(PARTS):
                found.append(self._of_parts)
            if subschema.has_any(frozenset(ALTERNATIVES)):
                found.append(self._of_alternatives)
            self._explanations[subschema.pointer] = found
        return found

    def _of_value(self, subschema: Subschema, value: Any, at: str, steps: int) -> Iterator[Fault]:
        """Yield the faults by keywords that need no subschema."""
        own = self._own.get(subschema.pointer)
        if own is None:
            own = self._own[subschema.pointer] = list(_own_keywords(subschema))
        for keyword, wanted, alone in own:
            if keyword == "required":
                yield from _missing(wanted, value, at)
            elif not self._is_valid(alone, make_validator, {keyword: wanted}, value):
                if alone not in self._expected:
                    self._expected[alone] = EXPECTATIONS[keyword].format(_shown(wanted))
                yield _fault(at, keyword, self._expected[alone])

    def _of_same_value(
        self, subschema: Subschema, value: Any, at: str, steps: int
    ) -> Iterator[Fault]:
        """Yield the faults by subschemas that apply to the value itself."""
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
            parts = self._with_items(subschema, value)
        elif isinstance(value, dict):
            parts = self._with_members(subschema, value)
        else:
            return
        for key, inner, keyword, part in parts:
            if not self._fits(part, inner):
                yield from self._of_misfit(part, inner, pointer(at, key), keyword, steps)

    def _with_items(self, subschema: Subschema, value: list[Any]) -> Iterator[Part]:
        first = subschema.of("prefixItems")
        for (_, part), (index, item) in zip(first, enumerate(value), strict=False):
            yield index, item, "prefixItems", part
        for _, part in subschema.of("items"):
            for index in range(len(first), len(value)):
                yield index, value[index], "items", part

    def _with_members(self, subschema: Subschema, value: dict[str, Any]) -> Iterator[Part]:
        if not subschema.has_any(OF_OTHER_NAMES):  # nearly every subschema, and much faster
            for name, member in value.items():
                part = subschema.at("properties", name)
                if part is not None:
                    yield name, member, "properties", part
            return
        for name, member in value.items():
            for keyword, part in self._for_member(subschema, name):
                yield name, member, keyword, part

    def _for_member(self, subschema: Subschema, name: str) -> Iterator[tuple[str, Subschema]]:
        """Yield the subschemas that apply to the member `name`."""
        listed = subschema.at("properties", name)
        is_listed = listed is not None
        if listed is not None:
            yield "properties", listed
        for key, part in subschema.of("patternProperties"):
            alone = f"{subschema.pointer}/pattern {key}"
            if self._is_valid(alone, make_validator, {"pattern": key}, name):
                is_listed = True
                yield "patternProperties", part
        for _, part in () if is_listed else subschema.of("additionalProperties"):
            yield "additionalProperties", part

    def _fits(self, subschema: Subschema, value: Any) -> bool:
        if isinstance(subschema.schema, bool):
            return subschema.schema
        return self._is_valid(subschema.pointer, self._parts.make, subschema.pointer, value)

    def _is_valid(
        self, key: str, make: Callable[[Any], Validator], what: dict[str, Any] | str, value: Any
    ) -> bool:
        """Return whether `value` is valid for `what`, with a lazily made validator.

        After the time limit everything is valid.
        """
        if time.monotonic() > self._until:
            return True
        validator = self._validators.get(key)
        if validator is None:
            try:
                validator = self._validators[key] = make(what)
            except ValueError:  # it can't be compiled alone
                return True
        return validator.is_valid(value)


def _own_keywords(subschema: Subschema) -> Iterator[tuple[str, Any, str]]:
    """Yield the keywords that need no subschema, their values and their pointers."""
    for keyword, wanted in subschema.schema.items():
        if keyword == "required" or keyword in EXPECTATIONS:
            yield keyword, wanted, f"{subschema.pointer}/{keyword}"


def _missing(names: list[str], value: Any, at: str) -> Iterator[Fault]:
    for name in names if isinstance(value, dict) else ():
        if name not in value:
            yield _fault(at, "required", f"the property {_shown(name)} is missing")


def _remaining(schema: dict[str, Any], at: str) -> Iterator[Fault]:
    """Yield the keywords that apply to the value as a whole, if no part has a fault."""
    for keyword, message in REMAINING.items():
        if keyword in schema:
            yield _fault(at, keyword, message)


def _shown(wanted: Any) -> str:
    text = orjson.dumps(wanted).decode()
    return text if len(text) <= EXPECTED_LIMIT else text[: EXPECTED_LIMIT - 1] + "…"


def _fault(at: str, keyword: str, message: str) -> Fault:
    text = f"{keyword}: {message}"
    return Fault(at, text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…")
