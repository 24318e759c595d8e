"""The subscriptions that one event fires, handed to a statement all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from models_registry.running import is_postgresql


class Shot(NamedTuple):
    """A subscription that fires, and its job, or why it gets none.

    `subscription` and `job` are ids as text; `job` is "" where there is none.
    """

    subscription: str
    job: str
    job_id: UUID | None
    version_id: int | None
    target_action: str
    error: str


def rows_of(shots: Sequence[Shot]) -> tuple[str, list[Any]]:
    """Return a FROM item called `shot` that hands the shots to a statement, and its parameters."""
    if is_postgresql():
        # A line for each, and an empty one for NULL: a list is written value by value.
        rows = [
            (shot.subscription, shot.job, str(shot.version_id or ""), shot.error) for shot in shots
        ]
        kept = ("uuid[]", "uuid[]", "bigint[]", "text[]")
        columns = ", ".join(f"string_to_array(%s, E'\\n', '')::{kind}" for kind in kept)
        table = f"unnest({columns}) AS shot(subscription_id, job_id, version_id, error)"
        return table, ["\n".join(column) for column in zip(*rows, strict=True)]
    table = (
        "(SELECT json_extract(value, '$[0]') AS subscription_id,"
        " json_extract(value, '$[1]') AS job_id, json_extract(value, '$[2]') AS version_id,"
        " json_extract(value, '$[3]') AS error FROM json_each(%s)) AS shot"
    )
    texts = [
        (_in_sqlite(shot.subscription), _in_sqlite(shot.job), shot.version_id, shot.error)
        for shot in shots
    ]
    return table, [json.dumps(texts)]


def _in_sqlite(id: str) -> str | None:
    return id.replace("-", "") or None
