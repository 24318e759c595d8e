"""Checking payloads against contracts, through compiled validators that are kept for a while."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from models_registry.contracts.caches import BoundedCache
from models_registry.contracts.cost import price_of
from models_registry.contracts.factory import make_validator
from models_registry.contracts.fingerprints import document_fingerprint
from models_registry.contracts.mismatches import Search
from models_registry.contracts.subschemas import Contract
from models_registry.contracts.weights import Price, is_far
from models_registry.errors import Fault
from models_registry.observability.metrics import VALIDATORS

# One second of checking by the estimate of `weights.py`, in units of 10 ns; measured checks stay
# well below their estimate.
BUDGET = 100_000_000
# Compiled validators kept; together by the bytes of their documents (compiled, about ten times).
KEPT, KEPT_BYTES = 512, 8 * 1024 * 1024
# How many everyday values a number like 1e300 stands for.
FAR_NUMBER = 4
MISFIT = Fault("", "The payload does not fit the contract.")
UNSEEN = Fault("", "There may be more: looking for all would take too long.")
UNUSABLE = Fault("", "The contract can't be used; nothing was checked.")


class UnusableContract(ValueError):
    """No payload can be checked against this: it can't be compiled, or that could take too long."""


class TooMuchToCheck(ValueError):
    """Checking this payload against this contract could take too long, or it is no JSON."""


@dataclass(frozen=True)
class CompiledContract:
    """A contract ready for use. Safe in several threads."""

    contract: Contract
    validator: jsonschema_rs.Draft202012Validator
    price: Price

    def is_valid(self, payload: Any) -> bool:
        """Return whether `payload` fits. Raises TooMuchToCheck instead of taking long."""
        self._refuse_too_much(payload)
        return self.validator.is_valid(payload)

    def faults(self, payload: Any, *, limit: int) -> list[Fault]:
        """Return why `payload` does not fit, at most `limit` reasons; [] when it fits."""
        try:
            if self.is_valid(payload):
                return []
        except TooMuchToCheck as error:
            return [Fault("", str(error))]
        search = Search(self.contract)
        found = list(islice(search.faults(payload), limit)) or [MISFIT]
        return [*found, UNSEEN] if search.ended_early and len(found) < limit else found

    def _refuse_too_much(self, payload: Any) -> None:
        try:
            # Also the guard of depth: the library crashes the process at some 30,000 levels,
            # and this refuses at 255.
            size = len(orjson.dumps(payload))
        except TypeError:
            raise TooMuchToCheck("The payload nests too deep, or is no JSON.") from None
        if size * sum(self.price) <= BUDGET:
            return
        values, characters = _amounts(payload)
        if values * self.price.value + characters * self.price.character > BUDGET:
            raise TooMuchToCheck("The payload is too large to be checked against this contract.")


HIT, MISS = VALIDATORS.labels("hit"), VALIDATORS.labels("miss")

_compiled: BoundedCache[CompiledContract] = BoundedCache(entries=KEPT, weight=KEPT_BYTES)


def compiled(schema: dict[str, Any]) -> CompiledContract:
    """Return the validator of `schema`, made once for equal schemas while it is kept.

    Raises UnusableContract for what can't be compiled and for what could take too long. That is
    less than `check_contract` refuses: what an earlier release accepted goes on being used.
    """
    try:
        key = document_fingerprint(schema)
    except (TypeError, ValueError) as error:
        raise UnusableContract(str(error)) from None
    found = _compiled.get(key)
    (HIT if found else MISS).inc()
    if found is None:
        found = _compile(schema)
        _compiled.put(key, found, weight=len(orjson.dumps(schema)))
    return found


def check_payload(schema: dict[str, Any], payload: Any, *, limit: int = 20) -> list[Fault]:
    """Return why `payload` does not fit `schema`, at most `limit` reasons; [] when it fits.

    Each names the place in the payload, the keyword and what was expected, never the value that
    was found: payloads may hold secrets, and faults end in answers, logs and rows.
    """
    try:
        return compiled(schema).faults(payload, limit=limit)
    except UnusableContract:
        return [UNUSABLE]


def _compile(schema: dict[str, Any]) -> CompiledContract:
    try:
        contract = Contract(schema)
        if contract.faults:
            raise ValueError(contract.faults[0].message)
        return CompiledContract(contract, make_validator(schema), price_of(contract))
    except (ValueError, RecursionError) as error:
        raise UnusableContract(f"The contract can't be used: {error}") from error


def _amounts(payload: Any) -> tuple[int, int]:
    """Count the values of `payload`, its keys included, and the bytes of its texts."""
    values = characters = 0
    pending = [payload]
    while pending:
        value = pending.pop()
        values += 1
        if isinstance(value, str):
            characters += len(value.encode())
        elif isinstance(value, float):
            values += FAR_NUMBER if is_far(value) else 0
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value)
            pending.extend(value.values())
    return values, characters
