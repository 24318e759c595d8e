"""The subscriptions that one event fires, handed to a statement all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from models_registry.db.execute import is_postgresql
from models_registry.services.versions import TriggeredEvent


class Shot(NamedTuple):
    """A subscription that fires, and its job, or why it gets none.

    `subscription` and `job` are ids as text; `job` is "" where there is none. It was decided for
    the subscription of this `revision`. `synchronous` tells which workers to wake.
    """

    subscription: str
    job: str
    job_id: UUID | None
    revision: int
    version_id: int | None
    synchronous: bool
    error: str

    @property
    def entry(self) -> TriggeredEvent:
        """What the answer says of it."""
        entry = TriggeredEvent(subscription_id=self.subscription)
        if self.job:
            entry["job_id"] = self.job
        else:
            entry["error"] = self.error
        return entry


def rows_of(shots: Sequence[Shot]) -> tuple[str, list[Any]]:
    """Return a FROM item called `shot` that hands the shots to a statement, and its parameters."""
    if is_postgresql():
        # A line for each, and an empty one for NULL: a list is written value by value.
        rows = [
            (
                each.subscription,
                each.job,
                str(each.version_id or ""),
                each.error,
                str(each.revision),
            )
            for each in shots
        ]
        kept = ("uuid[]", "uuid[]", "bigint[]", "text[]", "int[]")
        columns = ", ".join(f"string_to_array(%s, E'\\n', '')::{kind}" for kind in kept)
        table = f"unnest({columns}) AS shot(subscription_id, job_id, version_id, error, revision)"
        return table, ["\n".join(column) for column in zip(*rows, strict=True)]
    table = (
        "(SELECT json_extract(value, '$[0]') AS subscription_id,"
        " json_extract(value, '$[1]') AS job_id, json_extract(value, '$[2]') AS version_id,"
        " json_extract(value, '$[3]') AS error, json_extract(value, '$[4]') AS revision"
        " FROM json_each(%s)) AS shot"
    )
    texts = [
        (
            _in_sqlite(each.subscription),
            _in_sqlite(each.job),
            each.version_id,
            each.error,
            each.revision,
        )
        for each in shots
    ]
    return table, [json.dumps(texts)]


def _in_sqlite(id: str) -> str | None:
    return id.replace("-", "") or None


def kept_uuid(value: UUID | None) -> UUID | str | None:
    """Return a UUID as this database keeps it."""
    return value if value is None or is_postgresql() else value.hex


def uuid_placeholder() -> str:
    return "%s::uuid" if is_postgresql() else "%s"
