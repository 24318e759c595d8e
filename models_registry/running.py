"""Statements run by the shortest way that the database has for them.

The backend of production (`ENGINE` in the settings) has ways of its own, without the wrappers that
Django puts around cursors: they cost as much as psycopg's part of a short statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

Rows = Sequence[Sequence[Any]]


def read(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows that a statement gives back."""
    database = connections[DEFAULT_DB_ALIAS]
    if hasattr(database, "read"):
        found: Rows = database.read(sql, parameters)
        return found
    return _read(database, sql, parameters)


def read_once(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows of the only statement of a request, which reads."""
    database = connections[DEFAULT_DB_ALIAS]
    if hasattr(database, "read_once"):
        found: Rows = database.read_once(sql, parameters)
        return found
    return _read(database, sql, parameters)


def run(sql: str, parameters: Sequence[Any]) -> int:
    """Run a statement that gives nothing back, and return how many rows it wrote."""
    database = connections[DEFAULT_DB_ALIAS]
    if hasattr(database, "run"):
        count: int = database.run(sql, parameters)
        return count
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        written: int = cursor.rowcount
        return written


def _read(database: Any, sql: str, parameters: Sequence[Any]) -> Rows:
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: Rows = cursor.fetchall()
        return found
