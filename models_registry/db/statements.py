"""Statements about single rows: composed from what is known of a table, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models

from models_registry.db.execute import is_postgresql


class Sql(NamedTuple):
    """A piece of a statement, such as Sql("attempts < %s", (5,))."""

    text: str
    parameters: tuple[Any, ...] = ()


def where(model: type[models.Model], **columns: Any) -> Sql:
    """Return the condition that columns have these values, such as where(Job, id=job_id)."""
    texts = [f'"{name}" = %s' for name in columns]
    values = (stored_value(model, name, value) for name, value in columns.items())
    return Sql(" AND ".join(texts), tuple(values))


def stored_value(model: type[models.Model], column: str, value: Any) -> Any:
    """Return what a column keeps of a value."""
    field: Any = model._meta.get_field(column)
    return field.get_db_prep_save(value, connection)


def now() -> str:
    """Return what in a statement is the database's clock, as Django's `Now()` has it."""
    if is_postgresql():
        return "STATEMENT_TIMESTAMP()"
    return "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"


def after(seconds: Sql) -> Sql:
    """Return what in a statement is the time so many seconds from now, by the same clock."""
    if is_postgresql():
        text = f"STATEMENT_TIMESTAMP() + make_interval(secs => {seconds.text})"
    else:
        text = f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', ({seconds.text}) || ' seconds')"
    return Sql(text, seconds.parameters)


def key(model: type[models.Model], value: Any) -> Any:
    """Return a key of `model` as this database keeps it, to be a parameter."""
    return model._meta.pk.get_db_prep_save(value, connection)


def inserting(row: models.Model) -> Sql:
    writing = _writing(type(row), row.pk is None)
    texts, parameters = _values(row, writing)
    text = f"INSERT INTO {row._meta.db_table} ({writing.listed}) VALUES ({', '.join(texts)})"  # noqa: S608 (names of ours)
    return Sql(text, tuple(parameters))


def updating(row: models.Model) -> Sql:
    writing = _writing(type(row), True)
    texts, parameters = _values(row, writing)
    sets = ", ".join(
        f'"{each.field.column}" = {text}' for each, text in zip(writing.columns, texts, strict=True)
    )
    table, column = row._meta.db_table, row._meta.pk.column
    text = f'UPDATE {table} SET {sets} WHERE "{column}" = %s'  # noqa: S608 (names of ours)
    return Sql(text, (*parameters, key(type(row), row.pk)))


def changing(
    model: type[models.Model], columns: Mapping[str, Any], conditions: Sequence[Sql]
) -> Sql:
    texts: list[str] = []
    parameters: list[Any] = []
    for name, value in columns.items():
        piece = value if isinstance(value, Sql) else Sql("%s", (stored_value(model, name, value),))
        texts.append(f'"{name}" = {piece.text}')
        parameters += piece.parameters
    for condition in conditions:
        parameters += condition.parameters
    where = " AND ".join(condition.text for condition in conditions)
    text = f"UPDATE {model._meta.db_table} SET {', '.join(texts)} WHERE {where}"  # noqa: S608 (names of ours)
    return Sql(text, tuple(parameters))


class Columns(NamedTuple):
    """How the rows of a table are read: `converters` are those of columns that need one."""

    listed: str
    attributes: list[str]
    converters: list[tuple[int, Any, Any]]


@cache
def columns_of(model: type[models.Model], without: str = "") -> Columns:
    """Return how rows are read, all their columns but `without`."""
    fields = [each for each in model._meta.concrete_fields if each.attname != without]
    columns = [field.get_col(model._meta.db_table) for field in fields]
    converters = [
        (index, convert, column)
        for index, column in enumerate(columns)
        for convert in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]
    return Columns(_listed(fields), [field.attname for field in fields], converters)


def shown_value(model: type[models.Model], column: str, value: Any) -> Any:
    """Return the value of which a column keeps this."""
    columns = columns_of(model)
    place = columns.attributes.index(column)
    for index, convert, kept_in in columns.converters:
        if index == place:
            value = convert(value, kept_in, connection)
    return value


def _listed(fields: Sequence[Any]) -> str:
    return ", ".join(f'"{field.column}"' for field in fields)


class _Written(NamedTuple):
    """A column as it is written; values of these types the database takes without preparation.

    Preparing one costs as much as sending it.
    """

    attribute: str
    field: Any
    taken_as_is: frozenset[type]
    # What the database's own integers of this size are made with; None where there is no such.
    integer: Callable[[int], int] | None


class _Writing(NamedTuple):
    """How the rows of a table are written."""

    listed: str
    columns: list[_Written]


@cache
def _writing(model: type[models.Model], without_key: bool) -> _Writing:
    fields = tuple(
        field
        for field in model._meta.concrete_fields
        if not (without_key and field is model._meta.pk)
    )
    as_is = _taken_as_is()
    columns = [
        _Written(each.attname, each, as_is.get(type(_column(each)), frozenset()), _integer_of(each))
        for each in fields
    ]
    return _Writing(_listed(fields), columns)


def _values(row: models.Model, writing: _Writing) -> tuple[list[str], list[Any]]:
    """Return the text that stands for each value in a statement, and the parameters.

    Without a call for most values: a row has up to forty.
    """
    has = vars(row)
    kept = [
        value
        if (value := has[attribute]) is None or type(value) in taken_as_is
        else _kept(value, field, integer)
        for attribute, field, taken_as_is, integer in writing.columns
    ]
    texts = [value.text if type(value) is Sql else "%s" for value in kept]
    parameters = [
        each for value in kept for each in (value.parameters if type(value) is Sql else (value,))
    ]
    return texts, parameters


def _kept(value: Any, field: Any, integer: Callable[[int], int] | None) -> Any:
    if type(value) is Sql:
        return value
    if integer is not None and type(value) is int:
        return integer(value)
    return field.get_db_prep_save(value, connection)


def _integer_of(field: Any) -> Callable[[int], int] | None:
    types: dict[str, Callable[[int], int]] = getattr(connection.ops, "integerfield_type_map", {})
    return types.get(_column(field).get_internal_type())


def _taken_as_is() -> dict[type[models.Field[Any, Any]], frozenset[type]]:
    by_field: dict[type[models.Field[Any, Any]], frozenset[type]] = {
        models.CharField: frozenset({str}),
        models.TextField: frozenset({str}),
    }
    if is_postgresql():
        by_field[models.UUIDField] = frozenset({UUID})
        # With a time zone, as all of ours are.
        by_field[models.DateTimeField] = frozenset({datetime})
    return by_field


def _column(field: Any) -> Any:
    """Return a field; for one that refers to a row, that of the row's key."""
    while field.remote_field is not None:
        field = field.target_field
    return field
