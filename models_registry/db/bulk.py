"""Many rows in one statement: handed to it, made by it, counted by it or deleted by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from django.db import models
from django.db.models import QuerySet
from django.db.models.expressions import DatabaseDefault

from models_registry.db import dialect, sql, statements
from models_registry.db.sql import Sql


def records(alias: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> Sql:
    """Return a FROM item named `alias` that hands rows to a statement.

    `columns` are the names of the columns and PostgreSQL's types of them, such as {"id": "uuid"}.
    A value is a number, an id as text or text without line breaks; None and "" are NULL.
    """
    text = dialect.rows_of_arrays(alias, columns)
    if dialect.is_postgresql():
        arrays = tuple(_lines(column) for column in zip(*rows, strict=True))
        return Sql(text, arrays)
    is_id = [kind == "uuid" for kind in columns.values()]
    values = [
        [_in_sqlite(value, each) for value, each in zip(row, is_id, strict=True)] for row in rows
    ]
    return Sql(text, (orjson.dumps(values).decode(),))


def _lines(column: Sequence[Any]) -> str:
    lines = "\n".join(["" if value is None else str(value) for value in column])
    if lines.count("\n") != len(column) - 1:
        raise ValueError("A text with line breaks would be taken for several values.")
    return lines


def _in_sqlite(value: Any, is_id: bool) -> Any:
    if value is None or value == "":
        return None
    return str(value).replace("-", "") if is_id else value


def insert_select(template: models.Model, of_each: Mapping[str, Sql], source: Sql) -> int:
    """Insert a row for each that `source` finds, and return how many those were.

    `template` is an unsaved row: what all of them have, its fields' defaults included. `of_each`
    names the columns that differ, and the expression over `source` for each. `source` is what
    stands after FROM.
    """
    values = [
        (column, value)
        for column, value in statements.values_to_insert(template)
        # A default of the database is what a column gets that is not named.
        if column.attribute in of_each or not isinstance(value, DatabaseDefault)
    ]
    table = statements.table_of(type(template)).name
    names, texts = statements.names_of(values), statements.inserted(template, values, of_each)
    text = f"INSERT INTO {table} ({names}) SELECT {texts.text} FROM {source.text}"  # noqa: S608 (names of ours)
    return sql.run(text, (*texts.parameters, *source.parameters))


def counts(model: type[models.Model], conditions: Iterable[Sql], *, limit: int) -> Sequence[int]:
    """Return how many rows each condition holds for, each at most `limit`, by one statement."""
    table = statements.table_of(model).name
    conditions = list(conditions)
    texts = (
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {each.text} LIMIT {limit}) AS found)"  # noqa: S608 (names of ours)
        for each in conditions
    )
    parameters = [value for each in conditions for value in each.parameters]
    return sql.read(f"SELECT {', '.join(texts)}", parameters)[0]


def delete_unread(rows: QuerySet[Any], *, at_once: int) -> None:
    """Delete rows without having them in memory, so many by a statement.

    What refers to them must be deleted in the same transaction; its commit sees to that.
    """
    model: Any = rows.model
    table, key = statements.table_of(model).name, statements.listed([model._meta.pk])
    found = sql.of_queryset(rows.order_by("-pk").values("pk")[:at_once])
    text = f"DELETE FROM {table} WHERE {key} IN ({found.text})"  # noqa: S608 (names of ours)
    while sql.run(text, found.parameters) == at_once:
        pass
