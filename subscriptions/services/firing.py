"""Firing: from one event to a job for each active subscription, in a handful of statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from models_registry import hints
from models_registry.events import ENVELOPE_BYTES
from models_registry.handlers import handler_for
from models_registry.models import Action, Job, Model, new_id
from models_registry.services.versions import TriggeredEvent
from subscriptions.models import (
    DEPTH_LIMIT,
    EventSubscription,
    InputSource,
    SubscriptionStatus,
    Trigger,
)

NO_ACTIVE_VERSION = "The target has no active version."
TOO_DEEP = f"The chain is {DEPTH_LIMIT} jobs long and stops here."
NO_OUTPUT = "The triggering job has no output to hand on."
TOO_LARGE = "The event for the target's handler would be larger than it takes."


@dataclass(frozen=True)
class Fact:
    """What happened: the end of `job`, or an activation by hand of what `job` trained.

    `name` is unique for it, such as "job:<id>"; `job` is None when nothing trained the version.
    """

    name: str
    source_id: str
    trigger_event: str
    job: Job | None

    @property
    def output(self) -> dict[str, Any] | None:
        return None if self.job is None else self.job.output

    @property
    def depth(self) -> int:
        """How many jobs stand before those that this triggers."""
        return 1 if self.job is None else self.job.depth + 1


class _Due(NamedTuple):
    """What is read of a subscription that fires; never its payload."""

    id: UUID
    target_action: str
    input_source: str
    input_bytes: int
    version_id: int | None
    metadata_length: int | None


class _Shot(NamedTuple):
    """A subscription that fires, and its job, or why it gets none."""

    subscription_id: UUID
    job_id: UUID | None
    target_action: str
    error: str


def fire(fact: Fact) -> list[TriggeredEvent]:
    """Make a job for each active subscription on `fact`; must be inside its transaction.

    Returns an entry for each, with the job's id or the reason why there is none; stale and
    paused subscriptions have no entry. The payloads are copied inside the database.
    """
    output_bytes = len(orjson.dumps(fact.output))
    shots = [_decide(fact, due, output_bytes) for due in _due(fact)]
    if not shots:
        return []
    _insert_jobs(fact, [shot for shot in shots if shot.job_id])
    _insert_triggers(fact, shots)
    for action in Action.values:
        job_ids = [shot.job_id for shot in shots if shot.job_id and shot.target_action == action]
        if job_ids:
            hints.wake_workers(action, job_ids)
    return [_entry(shot) for shot in shots]


def _due(fact: Fact) -> list[_Due]:
    due = EventSubscription.objects.with_status().filter(
        Q(state=SubscriptionStatus.ACTIVE, target_differs=False, source_differs=False),
        source_id=fact.source_id,
        trigger_event=fact.trigger_event,
    )
    columns = due.order_by("pk").values_list(
        "pk",
        "target_action",
        "input_source",
        "input_bytes",
        "target__current_version_id",
        Length("target__current_version__metadata"),
    )
    return [_Due(*row) for row in columns]


def _decide(fact: Fact, due: _Due, output_bytes: int) -> _Shot:
    hands_on = due.input_source == InputSource.TRIGGER_OUTPUT
    error = ""
    if fact.depth > DEPTH_LIMIT:
        error = TOO_DEEP
    elif due.version_id is None:
        error = NO_ACTIVE_VERSION
    elif hands_on and fact.output is None:
        error = NO_OUTPUT
    else:
        size = output_bytes if hands_on else due.input_bytes
        needed = size + (due.metadata_length or 0) + ENVELOPE_BYTES
        if needed > handler_for("lambda").max_event_bytes(due.target_action):
            error = TOO_LARGE
    return _Shot(due.id, None if error else new_id(), due.target_action, error)


def _insert_jobs(fact: Fact, shots: Sequence[_Shot]) -> None:
    if not shots:
        return
    source, parameters = _rows(shots)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    by_job = fact.job.pk if fact.job else None
    sql = f"""
        INSERT INTO {Job._meta.db_table}
            (id, model_id, version_id, job_type, status, dispatch, origin, input, warnings,
             attempts, triggered_by_id, triggered_by_job_id, depth, due_at, created_at,
             completion_digest, triggered_events)
        SELECT shot.job_id, target.id, target.current_version_id, sub.target_action,
               'pending', 'queued', 'triggered',
               CASE WHEN sub.input_source = 'stored' THEN sub.input ELSE %s END,
               CASE WHEN sub.input_source = 'stored' THEN sub.warnings ELSE '[]' END,
               0, sub.id, {_uuid_placeholder()}, %s, CURRENT_TIMESTAMP, %s, '', '[]'
        FROM {source}
        JOIN {EventSubscription._meta.db_table} sub ON sub.id = shot.subscription_id
        JOIN {Model._meta.db_table} target ON target.id = sub.target_id
        """  # noqa: S608 (table names and placeholders only)
    output = orjson.dumps(fact.output).decode()
    with connection.cursor() as cursor:
        cursor.execute(sql, [output, _uuid(by_job), fact.depth, now, *parameters])


def _insert_triggers(fact: Fact, shots: Sequence[_Shot]) -> None:
    source, parameters = _rows(shots)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    by_job = fact.job.pk if fact.job else None
    sql = f"""
        INSERT INTO {Trigger._meta.db_table}
            (subscription_id, event, source_job_id, job_id, error, created_at)
        SELECT shot.subscription_id, %s, {_uuid_placeholder()}, shot.job_id, shot.error, %s
        FROM {source}
        """  # noqa: S608 (table names and placeholders only)
    with connection.cursor() as cursor:
        cursor.execute(sql, [fact.name, _uuid(by_job), now, *parameters])


def _rows(shots: Sequence[_Shot]) -> tuple[str, list[Any]]:
    """Return a FROM item called `shot` that hands the shots to a statement, and its parameters."""
    if connection.vendor == "postgresql":
        columns = zip(
            *((shot.subscription_id, shot.job_id, shot.error) for shot in shots), strict=True
        )
        table = "unnest(%s::uuid[], %s::uuid[], %s::text[])"
        return f"{table} AS shot(subscription_id, job_id, error)", [list(c) for c in columns]
    rows = [(_uuid(shot.subscription_id), _uuid(shot.job_id), shot.error) for shot in shots]
    table = (
        "(SELECT json_extract(value, '$[0]') AS subscription_id,"
        " json_extract(value, '$[1]') AS job_id, json_extract(value, '$[2]') AS error"
        " FROM json_each(%s)) AS shot"
    )
    return table, [json.dumps(rows)]


def _uuid(value: UUID | None) -> UUID | str | None:
    """Return a UUID as this database keeps it."""
    return value if value is None or connection.vendor == "postgresql" else value.hex


def _uuid_placeholder() -> str:
    return "%s::uuid" if connection.vendor == "postgresql" else "%s"


def _entry(shot: _Shot) -> TriggeredEvent:
    entry = TriggeredEvent(subscription_id=str(shot.subscription_id))
    if shot.job_id:
        entry["job_id"] = str(shot.job_id)
    else:
        entry["error"] = shot.error
    return entry
