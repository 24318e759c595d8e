"""Single rows, read and written by statements that are composed once and kept.

For one row the ORM spends most of its time on composing its statement anew. These do what
`Model.objects.get`, `save(force_insert=True)` and `save(force_update=True)` do, without signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

from models_registry.db import execute, statements
from models_registry.db.statements import Sql

Row = TypeVar("Row", bound=models.Model)


def read(model: type[Row], rest: str, parameters: Sequence[Any]) -> Row | None:
    """Return the first row of `model` that `rest` picks, such as "WHERE id = %s FOR UPDATE"."""
    columns = statements.columns_of(model).listed
    found = execute.read(f"SELECT {columns} FROM {model._meta.db_table} {rest}", parameters)  # noqa: S608 (names of ours)
    return _row(model, found[0]) if found else None


def read_value(
    model: type[models.Model], column: str, rest: str, parameters: Sequence[Any]
) -> Any | None:
    """Return one column of the first row that `rest` picks, as the model shows it, or None."""
    found = execute.read(f"SELECT {column} FROM {model._meta.db_table} {rest}", parameters)  # noqa: S608 (names of ours)
    return statements.shown_value(model, column, found[0][0]) if found else None


def insert(row: models.Model) -> None:
    """Insert a row with all its columns, and give it the key that the database chose.

    A value may be a piece of SQL.
    """
    statement, made_key = statements.inserting(row), row._meta.pk.column
    text = f'{statement.text} RETURNING "{made_key}"'
    ((made,),) = execute.read(text, statement.parameters)
    if row.pk is None:
        row.pk = made
    _is_there(row)


def update(row: models.Model) -> None:
    """Write all columns of a row that is there; it must have been read with all of them."""
    execute.run(*statements.updating(row))


def write(*new: models.Model) -> None:
    """Insert rows of any tables: what belongs together, in one go.

    On PostgreSQL it is one statement, so that the server is asked and waited for once. (psycopg
    keeps statements of up to 50 values; a larger one would cost more than two.) A row whose key
    the database chooses is not told it.
    """
    pieces = [statements.inserting(row) for row in new]
    if execute.is_postgresql():
        *parts, last = pieces
        named = ", ".join(f"part_{number} AS ({part.text})" for number, part in enumerate(parts))
        beginning = f"WITH {named} " if parts else ""
        values = chain.from_iterable(piece.parameters for piece in pieces)
        pieces = [Sql(beginning + last.text, tuple(values))]
    for piece in pieces:
        execute.run(*piece)
    for row in new:
        _is_there(row)


def _is_there(row: models.Model) -> None:
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def change(
    model: type[Row], columns: Mapping[str, Any], *conditions: Sql, without: str = ""
) -> Row | None:
    """Change the row for which all conditions hold, and return it as it is then, or None.

    The column `without`, a large one perhaps, is read only when somebody asks the row for it.

    One statement, so that of several who would bring a row from one state into another only one
    does. A column's value may be a piece of SQL, such as Sql("attempts + 1").
    """
    statement = statements.changing(model, columns, conditions)
    returned = statements.columns_of(model, without).listed
    found = execute.read(f"{statement.text} RETURNING {returned}", statement.parameters)
    return _row(model, found[0], without) if found else None


def was_changed(model: type[Row], columns: Mapping[str, Any], *conditions: Sql) -> bool:
    """Change a row as `change` does, and say whether there was one; it may be large to read."""
    return bool(execute.run(*statements.changing(model, columns, conditions)))


def _row(model: type[Row], found: Sequence[Any], without: str = "") -> Row:
    """Return the object for what a statement gave back of `columns_of`."""
    _, attributes, converters = statements.columns_of(model, without)
    values = list(found)
    for index, convert, column in converters:
        values[index] = convert(values[index], column, connection)
    return model.from_db(DEFAULT_DB_ALIAS, attributes, values)
