"""A thread-safe LRU cache with limits of entries and weight."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Keeps the most recently used values: at most `entries`, and at most `weight` together."""

    def __init__(self, *, entries: int, weight: int) -> None:
        self._entries, self._weight = entries, weight
        self._total = 0
        self._kept: OrderedDict[str | bytes, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str | bytes) -> Value | None:
        """Return the value of `key`, None if it is not in the cache."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: str | bytes, value: Value, *, weight: int) -> None:
        """Keep `value` and evict the least recently used; one above the limit is not kept."""
        with self._lock:
            self._forget(key)
            if weight > self._weight:
                return
            self._kept[key] = (value, weight)
            self._total += weight
            while len(self._kept) > self._entries or self._total > self._weight:
                self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._total = 0

    def _forget(self, key: str | bytes) -> None:
        if key in self._kept:
            self._total -= self._kept.pop(key)[1]
