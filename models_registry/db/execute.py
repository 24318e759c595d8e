"""Statements run by the shortest way that the database has for them.

The backend of production (`ENGINE` in the settings) has two of its own; elsewhere, and where
somebody watches statements, as tests do, it is Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter, methodcaller
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

Rows = Sequence[Sequence[Any]]
Taken = TypeVar("Taken")
_ROWS: Callable[[Any], Rows] = methodcaller("fetchall")
_COUNT: Callable[[Any], int] = attrgetter("rowcount")


@cache
def is_postgresql() -> bool:
    """Tell which of the two databases it is; asking the connection costs as much as a column."""
    return connections[DEFAULT_DB_ALIAS].vendor == "postgresql"


def read(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows that a statement gives back, all of them."""
    return _execute("execute_straight", sql, parameters, _ROWS)


def read_once(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows of the only statement of a request, which reads."""
    return _execute("execute_alone", sql, parameters, _ROWS)


def run(sql: str, parameters: Sequence[Any]) -> int:
    """Run a statement that gives nothing back, and return how many rows it wrote."""
    return _execute("execute_straight", sql, parameters, _COUNT)


def _execute(way: str, sql: str, parameters: Sequence[Any], take: Callable[[Any], Taken]) -> Taken:
    database: Any = connections[DEFAULT_DB_ALIAS]
    shortest: Callable[..., Taken] | None = getattr(database, way, None)
    if shortest is not None and not database.is_watched:
        return shortest(sql, parameters, take)
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        return take(cursor)
