"""One decorator for every service that writes: a transaction, taken again after a deadlock."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, transaction

P = ParamSpec("P")
R = TypeVar("R")

# Deadlock detected, serialization failure, lock not available: PostgreSQL rolled everything back
# and asks that the whole transaction be run again.
RETRIED_SQLSTATES = frozenset({"40P01", "40001", "55P03"})
TRIES = 3


def transactional(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in one transaction: the caller's if there is one, else its own.

    Its own is run up to three times when the database gave up on it for the sake of another, so
    `function` must have no effect but on the database.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if transaction.get_connection().in_atomic_block:
            return function(*args, **kwargs)
        for attempt in range(1, TRIES + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if attempt == TRIES or sqlstate(error) not in RETRIED_SQLSTATES:
                    raise
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 (jitter)
        raise AssertionError("unreachable: the last try returns or raises")

    return wrapper


def sqlstate(error: DatabaseError) -> str | None:
    """Return PostgreSQL's five-character code for `error`; None on SQLite."""
    code: str | None = getattr(error.__cause__, "sqlstate", None)
    return code
