"""Checking payloads against contracts, with a cache of compiled validators."""

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
from models_registry.contracts.mismatches import FaultSearch
from models_registry.contracts.subschemas import Contract
from models_registry.contracts.weights import Price, is_far
from models_registry.errors import Fault
from models_registry.observability.metrics import VALIDATORS

# One second of checking by the estimate of `weights.py`, in units of 10 ns; measured checks stay
# well below it.
BUDGET = 100_000_000
# Limits of the cache of validators: entries, and bytes of their documents (compiled: ten times).
KEPT, KEPT_BYTES = 512, 8 * 1024 * 1024
# A search keeps a validator for each subschema that it asked, and each may hold the whole document;
# above this estimate, in bytes, it is replaced by a new one.
SEARCH_BYTES = 32 * 1024 * 1024
# A number like 1e300 costs as much as so many other values.
FAR_NUMBER = 4
MISFIT = Fault("", "The payload does not fit the contract.")
UNSEEN = Fault("", "There may be more: looking for all would take too long.")
UNUSABLE = Fault("", "The contract can't be used; nothing was checked.")


class UnusableContract(ValueError):
    """The contract can't be compiled, or checking a payload against it could take too long."""


class TooMuchToCheck(ValueError):
    """Checking this payload against this contract could take too long, or it is no JSON."""


@dataclass(frozen=True)
class CompiledContract:
    """A contract with its validator. Thread-safe."""

    contract: Contract
    validator: jsonschema_rs.Draft202012Validator
    price: Price

    def is_valid(self, payload: Any) -> bool:
        """Return whether `payload` fits. Raises TooMuchToCheck if that could take too long."""
        self._refuse_too_much(payload)
        return self.validator.is_valid(payload)

    def faults(self, payload: Any, *, limit: int) -> list[Fault]:
        """Return why `payload` does not fit, at most `limit` reasons; [] when it fits."""
        try:
            if self.is_valid(payload):
                return []
        except TooMuchToCheck as error:
            return [Fault("", str(error))]
        search = FaultSearch(self.contract)
        found = list(islice(search.faults(payload), limit)) or [MISFIT]
        return [*found, UNSEEN] if search.ended_early and len(found) < limit else found

    def _refuse_too_much(self, payload: Any) -> None:
        try:
            # This also limits the depth: orjson refuses 255 levels, and the validator crashes the
            # process at some 30,000.
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
    """Return the compiled contract of `schema`, from the cache if it is there.

    Raises UnusableContract for a schema that can't be compiled or could take too long. That is less
    than `check_contract` refuses: a contract that an earlier release accepted stays usable.
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

    Each has the place in the payload, the keyword and what was expected, never the value that was
    found: payloads may hold secrets, and faults end in answers, logs and rows.
    """
    try:
        return compiled(schema).faults(payload, limit=limit)
    except UnusableContract:
        return [UNUSABLE]


class PayloadCheck:
    """Checks many payloads, each given as JSON text, against one schema.

    Finds the same faults as `check_payload`, several times as fast. Not thread-safe.
    """

    def __init__(self, schema: dict[str, Any], *, limit: int = 20) -> None:
        self._limit = limit
        self._contract: CompiledContract | None
        try:
            self._contract = compiled(schema)
        except UnusableContract:
            self._contract = None
            return
        self._fits = self._contract.validator.is_valid
        # A text of so many characters, with at most four bytes each, is within the budget.
        self._cheap_length = BUDGET // (4 * (sum(self._contract.price) or 1))
        self._search = FaultSearch(self._contract.contract)
        self._parts_limit = max(1, SEARCH_BYTES // (10 * len(orjson.dumps(schema))))

    def faults(self, text: str) -> list[Fault]:
        """Return why the payload does not fit, at most `limit` reasons; [] when it fits."""
        if self._contract is None:
            return [UNUSABLE]
        payload = orjson.loads(text)
        if len(text) > self._cheap_length:
            return self._contract.faults(payload, limit=self._limit)
        if self._fits(payload):
            return []
        if self._search.parts_kept > self._parts_limit:
            self._search = FaultSearch(self._contract.contract)
        return list(islice(self._search.faults(payload), self._limit)) or [MISFIT]


def _compile(schema: dict[str, Any]) -> CompiledContract:
    try:
        contract = Contract(schema)
        if contract.faults:
            raise ValueError(contract.faults[0].message)
        return CompiledContract(contract, make_validator(schema), price_of(contract))
    except (ValueError, RecursionError) as error:
        raise UnusableContract(f"The contract can't be used: {error}") from error


def _amounts(payload: Any) -> tuple[int, int]:
    """Count the values of `payload`, including keys, and the bytes of its strings."""
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
