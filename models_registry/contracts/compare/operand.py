"""An operand of a comparison: a schema, whether it accepts values, and its subschemas."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from models_registry.contracts.factory import PartFactory
from models_registry.contracts.keywords import IN_PLACE
from models_registry.contracts.payloads import CompiledContract, TooMuchToCheck, compiled
from models_registry.contracts.subschemas import Subschema

Parts = tuple[Subschema, ...]
# How many subschemas that apply to the same value are considered together.
TOGETHER_LIMIT = 60


class Operand:
    """A schema with validators of its subschemas. Raises UnusableContract."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self._compiled: CompiledContract = compiled(schema)
        self.root: Parts = (self._compiled.contract.root,)
        # What checking one small value may cost, in the units of `weights.py`.
        self.price = 10 + self._compiled.price.value + 10 * self._compiled.price.character
        self._factory = PartFactory(schema)
        self._validators: dict[str, jsonschema_rs.Draft202012Validator | None] = {}

    def accepts(self, document: Any) -> bool | None:
        """Return whether the schema accepts `document`; None if that could take too long."""
        try:
            return self._compiled.is_valid(document)
        except TooMuchToCheck:
            return None

    def part_accepts(self, part: Subschema, value: Any) -> bool:
        """Return whether a subschema by itself accepts `value`; only a heuristic."""
        if isinstance(part.schema, bool):
            return part.schema
        if part.pointer not in self._validators:
            try:
                self._validators[part.pointer] = self._factory.make(part.pointer)
            except ValueError:
                self._validators[part.pointer] = None
        validator = self._validators[part.pointer]
        return validator is not None and validator.is_valid(value)


def together(parts: Parts) -> Parts:
    """Return `parts` with all subschemas that apply, or may apply, to the same value."""
    found = list(dict.fromkeys(parts))
    for part in found:
        for keyword, _, other in part.parts:
            if keyword in IN_PLACE and other not in found and len(found) < TOGETHER_LIMIT:
                found.append(other)
    return tuple(found)


def for_member(parts: Parts, name: str) -> Parts:
    """Return the subschemas that apply to the property `name`; `parts` are from `together`."""
    found: list[Subschema] = []
    for part in parts:
        listed = [other for key, other in part.of("properties") if key == name]
        found += listed
        found += [other for _, other in part.of("patternProperties")]
        if not listed:
            found += [other for _, other in part.of("additionalProperties")]
    return tuple(dict.fromkeys(found)) or _unevaluated(parts, "unevaluatedProperties")


def for_item(parts: Parts, index: int | None) -> Parts:
    """Return the subschemas that apply to the item at `index`; None is one beyond all prefixes."""
    found: list[Subschema] = []
    for part in parts:
        prefix = [other for key, other in part.of("prefixItems") if key == index]
        found += prefix or [other for _, other in part.of("items")]
    return tuple(dict.fromkeys(found)) or _unevaluated(parts, "unevaluatedItems")


def _unevaluated(parts: Parts, keyword: str) -> Parts:
    """Return the subschemas for what no other keyword evaluates."""
    return tuple(dict.fromkeys(other for part in parts for _, other in part.of(keyword)))


def schemas(parts: Parts) -> list[dict[str, Any]]:
    """Return the schema objects of `parts`."""
    return [part.schema for part in parts if isinstance(part.schema, dict)]
