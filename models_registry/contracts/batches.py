"""Checking many payloads against one contract: what is made for one is kept for the next."""

from __future__ import annotations

from itertools import islice
from typing import Any

import orjson

from models_registry.contracts.mismatches import Search
from models_registry.contracts.payloads import (
    BUDGET,
    MISFIT,
    UNUSABLE,
    CompiledContract,
    UnusableContract,
    compiled,
)
from models_registry.errors import Fault

# A search keeps a validator for each part of the contract that it asked, and each of those may
# hold the whole document; above this estimate, in bytes, it starts anew.
SEARCH_BYTES = 32 * 1024 * 1024


class PayloadCheck:
    """Checks one payload after the other, each given as JSON text, against one schema.

    It finds what `check_payload` does, several times as fast. Not for several threads at once.
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
        # A text of so many characters, at most four bytes each, is within the budget.
        self._cheap_length = BUDGET // (4 * (sum(self._contract.price) or 1))
        self._search = Search(self._contract.contract)
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
            self._search = Search(self._contract.contract)
        return list(islice(self._search.faults(payload), self._limit)) or [MISFIT]
