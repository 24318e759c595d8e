"""Pieces of SQL, and statements by hand, run on Django's own cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import QuerySet

from models_registry.db import dialect

Rows = Sequence[Sequence[Any]]


class Sql(NamedTuple):
    """A piece of a statement, such as Sql("attempts < %s", (5,))."""

    text: str
    parameters: tuple[Any, ...] = ()


def read(sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """Return all rows that a statement gives back."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: Rows = cursor.fetchall()
        return found


def run(sql: str, parameters: Sequence[Any] = ()) -> int:
    """Run a statement, and return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        count: int = cursor.rowcount
        return count


def stream(statement: Sql, *, size: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of a statement as the database sends them, `size` of them in memory."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    with database.cursor() as cursor, database.wrap_database_errors:
        if dialect.is_postgresql():
            yield from cursor.stream(*statement, size=size, binary=True)
        else:
            cursor.execute(*statement)
            yield from cursor


def of_queryset(queryset: QuerySet[Any, Any]) -> Sql:
    """Return the statement that Django makes of a queryset, to be part of another one."""
    text, parameters = queryset.query.get_compiler(connection=connection).as_sql()
    return Sql(text, tuple(parameters))


def after(seconds: Sql) -> Sql:
    """Return the time so many seconds from now, by the clock of `dialect.now`."""
    return Sql(dialect.after(seconds.text), seconds.parameters)
