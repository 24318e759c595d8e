"""Single rows, read and written by statements that are composed once and kept.

The ORM composes its statement anew for each row, which takes longer than the database needs to run
it: a PUT takes 4.5 ms with this module and 10.5 ms without it. These functions do what
`Model.objects.get`, `save(force_insert=True)` and `save(force_update=True)` do, for every kind of
field (tests/models_registry/test_rows.py), but send no signals. A system check refuses models of
which that is not the same (`faults_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models, router
from django.db.models import signals

from models_registry.db import dialect, sql, statements
from models_registry.db.sql import Sql
from models_registry.db.statements import Written

Row = TypeVar("Row", bound=models.Model)


def read(model: type[Row], rest: str, parameters: Sequence[Any]) -> Row | None:
    """Return the first row of `model` that `rest` picks, such as "WHERE id = %s FOR UPDATE"."""
    columns, table = statements.columns_of(model).listed, statements.table_of(model).name
    found = sql.read(f"SELECT {columns} FROM {table} {rest}", parameters)  # noqa: S608 (names of ours)
    return _row(model, found[0]) if found else None


def read_value(
    model: type[models.Model], column: str, rest: str, parameters: Sequence[Any]
) -> Any | None:
    """Return one column of the first row that `rest` picks, as the model shows it, or None."""
    table = statements.table_of(model).name
    found = sql.read(f"SELECT {column} FROM {table} {rest}", parameters)  # noqa: S608 (names of ours)
    return statements.shown_value(model, column, found[0][0]) if found else None


def insert(row: models.Model) -> None:
    """Insert a row with all its columns, and give it what the database chose: its key, defaults."""
    written = statements.inserting(row)
    _write(row, written)
    _is_stored(row)


def update(row: models.Model) -> None:
    """Write all columns of a row that is there. Raises DatabaseError when it is not any more."""
    written = statements.updating(row)
    if not _write(row, written):
        raise DatabaseError("The row to update is not there.")


def write(*new: models.Model) -> None:
    """Insert rows of any tables: what belongs together, in one go.

    On PostgreSQL it is one statement, so that the server is asked and waited for once. (psycopg
    keeps statements of up to 50 values; a larger one would cost more than two.) What the database
    chose for a row is read when somebody asks for it; a key that it chose, and what else it chose
    for such a row, can't be.
    """
    written = [statements.inserting(row) for row in new]
    pieces = [each.statement for each in written]
    if dialect.is_postgresql():
        *parts, last = pieces
        named = ", ".join(f"part_{number} AS ({part.text})" for number, part in enumerate(parts))
        beginning = f"WITH {named} " if parts else ""
        values = chain.from_iterable(piece.parameters for piece in pieces)
        pieces = [Sql(beginning + last.text, tuple(values))]
    for piece in pieces:
        sql.run(*piece)
    for row, (_, chosen) in zip(new, written, strict=True):
        _is_stored(row)
        if row._meta.pk not in chosen:
            for field in chosen:
                vars(row).pop(field.attname, None)


def change(
    model: type[Row], columns: Mapping[str, Any], *conditions: Sql, without: str = ""
) -> Row | None:
    """Change the row for which all conditions hold, and return it as it is then, or None.

    The column `without`, a large one perhaps, is read only when somebody asks the row for it.

    One statement, so that of several who would bring a row from one state into another only one
    does. A column's value may be a piece of SQL, such as Sql("attempts + 1"). As with
    `QuerySet.update()`, a column that is not named stays, also one that is `auto_now`.
    """
    statement = statements.changing(model, columns, conditions)
    returned = statements.columns_of(model, without).listed
    found = sql.read(f"{statement.text} RETURNING {returned}", statement.parameters)
    return _row(model, found[0], without) if found else None


def was_changed(model: type[Row], columns: Mapping[str, Any], *conditions: Sql) -> bool:
    """Change a row as `change` does, and return whether there was one; it may be large to read."""
    return bool(sql.run(*statements.changing(model, columns, conditions)))


def faults_of(model: type[models.Model]) -> Iterator[str]:
    """Yield why rows of a model can't be written here as its `save()` would."""
    yield from _faults_of_table(model._meta)
    for name in ("save", "save_base"):
        if getattr(model, name) is not getattr(models.Model, name):
            yield f"it has a {name}() of its own, which would not be called"
    for name in ("pre_save", "post_save"):
        if getattr(signals, name).has_listeners(model):
            yield f"something listens to its {name}, which would not be sent"
    if router.db_for_write(model) != DEFAULT_DB_ALIAS:
        yield "it is kept in another database than the default one"


def _faults_of_table(meta: Any) -> Iterator[str]:
    if meta.parents:
        yield "it inherits from the table of another model"
    if len(meta.pk_fields) > 1:
        yield "its primary key has several columns"
    elif not [field for field in meta.concrete_fields if not field.primary_key]:
        yield "it has no column but its key"
    if meta.order_with_respect_to:
        yield "it has order_with_respect_to, whose column only save() fills"


def _write(row: models.Model, written: Written) -> int:
    """Write a row, and give it what the database chose; returns how many rows were written."""
    (text, parameters), chosen = written
    if not chosen:
        return sql.run(text, parameters)
    returned = sql.read(f"{text} RETURNING {statements.listed(chosen)}", parameters)
    for values in returned:
        _take(row, chosen, values)
    return len(returned)


def _take(row: models.Model, fields: Sequence[models.Field], values: Sequence[Any]) -> None:
    for field, value in zip(fields, values, strict=True):
        setattr(row, field.attname, statements.shown_value(type(row), field.attname, value))


def _is_stored(row: models.Model) -> None:
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _row(model: type[Row], found: Sequence[Any], without: str = "") -> Row:
    """Return the object for what a statement gave back of `columns_of`."""
    _, attributes, converters = statements.columns_of(model, without)
    values = list(found)
    for index, convert, column in converters:
        values[index] = convert(values[index], column, connection)
    return model.from_db(DEFAULT_DB_ALIAS, attributes, values)
