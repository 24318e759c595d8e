"""Models as they are stored, for answers that hand their JSON on as text, never decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from models_registry.models import Model, ModelVersion
from models_registry.running import read_once

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


# As `StoredModel._make`, which costs five calls a row.
_as_stored_model: Callable[[Sequence[Any]], StoredModel] = partial(tuple.__new__, StoredModel)


def stored_model(model_id: str) -> tuple[StoredModel, StoredVersion] | None:
    """Return a model and its newest version, in one statement; None if there is no such model."""
    rows = read_once(ONE, [model_id])
    if not rows:
        return None
    width = len(StoredModel._fields)
    return StoredModel._make(rows[0][:width]), StoredVersion._make(rows[0][width:])


def stored_models(after: str, limit: int) -> list[StoredModel]:
    """Return at most `limit` models in the order of their ids, from the one after `after`."""
    return list(map(_as_stored_model, read_once(PAGE, [after, limit])))
