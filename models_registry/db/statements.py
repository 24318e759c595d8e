"""Statements that read and write single rows, composed of what is known of a table and kept.

What is kept is the list of a table's columns; the values go through Django's own fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.sql import InsertQuery, UpdateQuery

from models_registry.db.sql import Sql


class Column(NamedTuple):
    """A column that is written."""

    field: Any
    attribute: str
    name: str
    # Whether the field may make another value of what the row has (`auto_now`, a file).
    is_made: bool
    # Whether more than a parameter stands for a value of this field.
    has_placeholder: bool


Values = list[tuple[Column, Any]]
NOTHING: Mapping[str, Sql] = {}
# What Django tells an expression, a default of the database among them, by.
EXPRESSION = "resolve_expression"


class Table(NamedTuple):
    """What is known of a table, its names quoted."""

    name: str
    key: Any
    columns: tuple[Column, ...]
    generated: tuple[models.Field, ...]


class Written(NamedTuple):
    """A statement that writes a row, and the fields whose value only the database knows then."""

    statement: Sql
    chosen: tuple[models.Field, ...]


@cache
def table_of(model: type[models.Model]) -> Table:
    """Return how rows of a model are written."""
    meta, quote = model._meta, connection.ops.quote_name
    columns = tuple(
        Column(
            field,
            field.attname,
            quote(str(field.column)),
            type(field).pre_save is not models.Field.pre_save,
            hasattr(field, "get_placeholder"),
        )
        for field in meta.concrete_fields
        if not field.generated
    )
    generated = tuple(field for field in meta.concrete_fields if field.generated)
    return Table(quote(meta.db_table), meta.pk, columns, generated)


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
    return Columns(listed(fields), [field.attname for field in fields], converters)


def listed(fields: Sequence[Any]) -> str:
    return ", ".join(connection.ops.quote_name(field.column) for field in fields)


def shown_value(model: type[models.Model], column: str, value: Any) -> Any:
    """Return the value of which a column keeps this."""
    columns = columns_of(model)
    place = columns.attributes.index(column)
    for index, convert, kept_in in columns.converters:
        if index == place:
            value = convert(value, kept_in, connection)
    return value


def where(model: type[models.Model], **columns: Any) -> Sql:
    """Return the condition that columns have these values, such as where(Job, id=job_id)."""
    pieces = [_assigned(model, name, value) for name, value in columns.items()]
    return Sql(
        " AND ".join(piece.text for piece in pieces),
        tuple(each for piece in pieces for each in piece.parameters),
    )


def key(model: type[models.Model], value: Any) -> Any:
    """Return a key of `model` as this database keeps it, to be a parameter."""
    return model._meta.pk.get_db_prep_save(value, connection)


def inserting(row: models.Model) -> Written:
    """Return the statement that inserts a row, as `save(force_insert=True)` does."""
    table, values = table_of(type(row)), values_to_insert(row)
    names, texts = names_of(values), inserted(row, values)
    text = f"INSERT INTO {table.name} ({names}) VALUES ({texts.text})"  # noqa: S608 (names of ours)
    chosen = _chosen(table, values)
    if row.pk is None:
        chosen = (*chosen, table.key)
    return Written(Sql(text, texts.parameters), chosen)


def values_to_insert(row: models.Model) -> Values:
    """Return the values of a new row, without that of a key which the database makes."""
    table = table_of(type(row))
    row._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]  # noqa: SLF001 (refuses unsaved rows, takes the keys of those saved since: Django 5.2, 6.0)
    if row.pk is None:
        row.pk = table.key.get_pk_value_on_save(row)
    is_keyless = row.pk is None and table.key is row._meta.auto_field
    return [
        (
            column,
            column.field.pre_save(row, True) if column.is_made else getattr(row, column.attribute),
        )
        for column in table.columns
        if not (is_keyless and column.field is table.key)
    ]


def names_of(values: Values) -> str:
    return ", ".join([column.name for column, _ in values])


def inserted(row: models.Model, values: Values, instead: Mapping[str, Sql] = NOTHING) -> Sql:
    """Return what stands for the values of a new row in a statement, one after the other.

    `instead` are pieces of SQL that stand for some of them, by the name of the attribute.
    """
    database = connections[DEFAULT_DB_ALIAS]
    texts: list[str] = []
    parameters: list[Any] = []
    for column, value in values:
        if column.has_placeholder or hasattr(value, EXPRESSION) or column.attribute in instead:
            piece = instead.get(column.attribute) or _composed(row, column.field, value)
            texts.append(piece.text)
            parameters += piece.parameters
        else:
            texts.append("%s")
            parameters.append(column.field.get_db_prep_save(value, database))
    return Sql(", ".join(texts), tuple(parameters))


def _composed(row: models.Model, field: Any, value: Any) -> Sql:
    """Return what Django's insert has for a value."""
    compiler: Any = InsertQuery(type(row)).get_compiler(connection=connections[DEFAULT_DB_ALIAS])
    if isinstance(value, DatabaseDefault):  # which SQLite has no word for
        value = field.pre_save(row, True)
    value = compiler.prepare_value(field, value)
    ((text,),), (parameters,) = compiler.assemble_as_sql([field], [[value]])
    return Sql(text, tuple(parameters))


def _chosen(table: Table, values: Values) -> tuple[models.Field, ...]:
    """Return the fields whose value the database computes: by an expression, or always."""
    computed = (column.field for column, value in values if hasattr(value, EXPRESSION))
    return (*computed, *table.generated)


def updating(row: models.Model) -> Written:
    """Return the statement that writes the columns of a row that are loaded, as `save()` does."""
    model, database = type(row), connections[DEFAULT_DB_ALIAS]
    table, loaded = table_of(model), vars(row)
    row._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]  # noqa: SLF001 (as above)
    values = [
        (column, column.field.pre_save(row, False) if column.is_made else loaded[column.attribute])
        for column in table.columns
        if column.attribute in loaded and column.field is not table.key
    ]
    if any(column.has_placeholder or hasattr(value, EXPRESSION) for column, value in values):
        query: Any = UpdateQuery(model)
        query.add_filter("pk", row.pk)
        query.add_update_fields([(column.field, None, value) for column, value in values])
        statement = Sql(*query.get_compiler(connection=database).as_sql())
    else:
        sets = ", ".join(f"{column.name} = %s" for column, _ in values)
        kept = [column.field.get_db_prep_save(value, database) for column, value in values]
        condition = where(model, **{table.key.attname: row.pk})
        text = f"UPDATE {table.name} SET {sets} WHERE {condition.text}"  # noqa: S608 (names of ours)
        statement = Sql(text, (*kept, *condition.parameters))
    return Written(statement, _chosen(table, values))


def changing(
    model: type[models.Model], columns: Mapping[str, Any], conditions: Sequence[Sql]
) -> Sql:
    """Return the statement that changes the rows for which all conditions hold."""
    sets = [_assigned(model, name, value) for name, value in columns.items()]
    text = (
        f"UPDATE {table_of(model).name} SET {', '.join(piece.text for piece in sets)}"  # noqa: S608 (names of ours)
        f" WHERE {' AND '.join(condition.text for condition in conditions)}"
    )
    return Sql(text, tuple(each for piece in (*sets, *conditions) for each in piece.parameters))


def _assigned(model: type[models.Model], name: str, value: Any) -> Sql:
    field: Any = model._meta.get_field(name)
    if hasattr(value, EXPRESSION):
        raise TypeError(f"{name} takes a value or a piece of SQL, not an expression: {value!r}")
    if not isinstance(value, Sql):
        value = Sql("%s", (field.get_db_prep_save(value, connection),))
    return Sql(f"{connection.ops.quote_name(field.column)} = {value.text}", value.parameters)
