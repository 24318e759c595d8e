"""A second hand: a thread that writes while the first one goes on checking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import connection, connections

from models_registry.db.dialect import has_concurrent_writers


class Hand(Protocol):
    """Does one thing after the other, in the order in which they were asked for."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **known: Any) -> Future[Any]: ...


@contextmanager
def other_hand() -> Iterator[Hand]:
    """Yield a thread with a database connection of its own; all it was asked is done at the end.

    On SQLite, where whoever writes is alone, and inside a transaction, which no other connection
    can see into, everything is done at once by the caller itself.
    """
    if not has_concurrent_writers() or connection.in_atomic_block:
        yield _OwnHand()
        return
    with ThreadPoolExecutor(1, thread_name_prefix="recorder") as pool:
        try:
            yield pool
        finally:
            pool.submit(connections.close_all)


class _OwnHand:
    def submit(self, function: Callable[..., Any], /, *given: Any, **known: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*given, **known))
        return done
