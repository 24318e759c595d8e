"""One decorator for every service that writes: a transaction, run again when another came first."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from models_registry.db import dialect, sql

P = ParamSpec("P")
R = TypeVar("R")

# Deadlock detected, serialization failure, lock not available: PostgreSQL rolled everything back
# and asks that the whole transaction be run again. Foreign key violated: what this refers to was
# deleted, or what it deletes was referred to, between reading and committing; run again, it reads
# that and answers for it.
FOREIGN_KEY_VIOLATED = "23503"
RETRIED_SQLSTATES = frozenset({"40P01", "40001", "55P03", FOREIGN_KEY_VIOLATED})
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
            except (OperationalError, IntegrityError) as error:
                if attempt == TRIES or sqlstate(error) not in RETRIED_SQLSTATES:
                    raise
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 (jitter)
        raise AssertionError("unreachable: the last try returns or raises")

    return wrapper


def commit_lazily() -> None:
    """Don't wait for the disk at the end of this transaction; must be inside it.

    What it did is seen by everybody at once, and stays whatever becomes of this process. Only a
    crash of the database itself may take it back, and only with all that was committed after it.
    """
    if dialect.is_postgresql():
        sql.run("SET LOCAL synchronous_commit TO off")


@contextmanager
def limited(milliseconds: int) -> Iterator[None]:
    """Let each statement take so long at most; opens a transaction.

    One that takes longer raises OperationalError. SQLite knows no such limit; there it opens no
    transaction, since that would keep writers waiting.
    """
    if not dialect.is_postgresql():
        yield
        return
    with transaction.atomic():
        sql.run(f"SET LOCAL statement_timeout = {milliseconds}")
        yield


def sqlstate(error: DatabaseError) -> str | None:
    """Return PostgreSQL's five-character code for `error`; None on SQLite."""
    code: str | None = getattr(error.__cause__, "sqlstate", None)
    return code
