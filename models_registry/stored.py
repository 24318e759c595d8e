"""Models as they are stored, for answers that hand their JSON on as text, never decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from models_registry.models import Model, ModelVersion

MODELS, VERSIONS = Model._meta.db_table, ModelVersion._meta.db_table


class StoredModel(NamedTuple):
    """A model's row; `handlers`, `handler_contracts` and `metadata` are JSON texts."""

    id: str
    name: str
    description: str
    handlers: str
    handler_contracts: str | None
    metadata: str
    status: str
    revision: int


class StoredVersion(NamedTuple):
    """A version's row as it is shown beside its model; `metadata` is JSON text."""

    version: str
    description: str
    metadata: str
    status: str
    number: int
    revision: int


def _columns(row: type[NamedTuple], table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in row._fields)


ONE = f"""
    SELECT {_columns(StoredModel, "m")}, {_columns(StoredVersion, "v")}
    FROM {MODELS} m JOIN {VERSIONS} v ON v.model_id = m.id AND v.number = m.last_number
    WHERE m.id = %s"""  # noqa: S608 (names of ours)
PAGE = f"""
    SELECT {_columns(StoredModel, "m")} FROM {MODELS} m
    WHERE m.id > %s ORDER BY m.id LIMIT %s"""  # noqa: S608 (names of ours)


def stored_model(model_id: str) -> tuple[StoredModel, StoredVersion] | None:
    """Return a model and its newest version, in one statement; None if there is no such model."""
    rows = _rows(ONE, [model_id])
    if not rows:
        return None
    width = len(StoredModel._fields)
    return StoredModel._make(rows[0][:width]), StoredVersion._make(rows[0][width:])


def stored_models(after: str, limit: int) -> list[StoredModel]:
    """Return at most `limit` models in the order of their ids, from the one after `after`."""
    return [StoredModel(*row) for row in _rows(PAGE, [after, limit])]


def _rows(sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Return the rows of a statement, the only one of a request that reads.

    The database backend of production (`ENGINE` in the settings) has a shorter way for that.
    """
    found: Sequence[Sequence[Any]]
    if hasattr(connection, "read_once"):
        found = connection.read_once(sql, parameters)
        return found
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
        return found
