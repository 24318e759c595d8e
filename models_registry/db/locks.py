"""Locks until the end of a transaction, of rows and of anything that has a name.

SQLite needs none: whoever writes there is alone.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

from django.db import connection, models
from django.db.models import QuerySet

from models_registry.db import dialect, rows, sql, statements

Row = TypeVar("Row", bound=models.Model)
Rows = TypeVar("Rows", bound="QuerySet[models.Model]")


class HeldByAnother(Exception):
    """Another transaction holds the lock."""


def passing_over_locked(queryset: Rows) -> Rows:
    """Lock the rows of a queryset except those that others have locked."""
    features = connection.features
    locked: Rows = queryset.select_for_update(
        of=("self",) if features.has_select_for_update_of else (),
        skip_locked=features.has_select_for_update_skip_locked,
    )
    return locked


def wait_for(number: int) -> None:
    """Wait for the lock of a number, which is any number that stands for what is locked."""
    if dialect.is_postgresql():
        sql.read("SELECT pg_advisory_xact_lock(%s)", [number])


def read_alone(model: type[Row], **columns: str) -> Row | None:
    """Return the row that has these values, None if there is none; nobody else gets it meanwhile.

    What is locked are the values, so that a row that is only being made is waited for by nobody.
    Raises HeldByAnother instead of waiting.
    """
    condition = statements.where(model, **columns)
    rest = f"WHERE {condition.text}"
    if not dialect.is_postgresql():
        return rows.read(model, rest, condition.parameters)
    digest = hashlib.sha256("\0".join(columns.values()).encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    table, key = statements.table_of(model).name, statements.listed([model._meta.pk])
    # The lock and the look for the row are one statement.
    text = f"""
        SELECT pg_try_advisory_xact_lock(%s), {key}
        FROM (SELECT 1) one LEFT JOIN {table} ON {condition.text}"""  # noqa: S608 (names of ours)
    ((is_locked, found),) = sql.read(text, [number, *condition.parameters])
    if not is_locked:
        raise HeldByAnother
    return None if found is None else rows.read(model, f"WHERE {key} = %s", [found])
