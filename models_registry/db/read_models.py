"""Models as they are stored, for answers that hand their JSON on as text, never decoded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

from models_registry.db import sql
from models_registry.models import Model, ModelVersion

MODELS, VERSIONS = Model._meta.db_table, ModelVersion._meta.db_table


# What a model is shown with, in this order; the last but `status` are JSON texts.
ShownModel = tuple[str, str, str, str, str | None, str, str]


class StoredModel(NamedTuple):
    """A model's row; `handlers`, `handler_contracts` and `metadata` are JSON texts.

    All but the revision is what it is shown with.
    """

    id: str
    name: str
    description: str
    handlers: str
    handler_contracts: str | None
    metadata: str
    status: str
    revision: int

    @property
    def shown(self) -> ShownModel:
        return self[:-1]


class StoredVersion(NamedTuple):
    """A version's row as it is shown beside its model; `metadata` is JSON text."""

    version: str
    description: str
    metadata: str
    status: str
    number: int
    revision: int


def _columns(names: Sequence[str], table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


ONE = f"""
    SELECT {_columns(StoredModel._fields, "m")}, {_columns(StoredVersion._fields, "v")}
    FROM {MODELS} m JOIN {VERSIONS} v ON v.model_id = m.id AND v.number = m.last_number
    WHERE m.id = %s"""  # noqa: S608 (names of ours)
PAGE = f"""
    SELECT {_columns(StoredModel._fields[:-1], "m")} FROM {MODELS} m
    WHERE m.id > %s ORDER BY m.id LIMIT %s"""  # noqa: S608 (names of ours)


def stored_model(model_id: str) -> tuple[StoredModel, StoredVersion] | None:
    """Return a model and its newest version, in one statement; None if there is no such model."""
    rows = sql.read(ONE, [model_id])
    if not rows:
        return None
    width = len(StoredModel._fields)
    return StoredModel._make(rows[0][:width]), StoredVersion._make(rows[0][width:])


def stored_models(after: str, limit: int) -> Sequence[ShownModel]:
    """Return at most `limit` models in the order of their ids, from the one after `after`."""
    return cast("Sequence[ShownModel]", sql.read(PAGE, [after, limit]))


def timestamp(moment: datetime) -> str:
    """Return an RFC 3339 time in UTC, such as "2026-03-01T12:00:00.123456Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def model_etag(model: Model | StoredModel, newest: ModelVersion | StoredVersion) -> str:
    """Return the strong ETag of a model shown beside its newest version."""
    return f'"{model.revision}-{newest.number}-{newest.revision}"'


def version_etag(version: ModelVersion) -> str:
    """Return the strong ETag of a version shown by itself."""
    return f'"{version.pk}-{version.revision}"'
