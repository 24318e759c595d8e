"""Firing: from one event to a job for each active subscription, in a handful of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from models_registry.handlers import handler_of
from models_registry.handlers.events import ENVELOPE_BYTES
from models_registry.models import Job, new_id
from models_registry.observability.tracing import present_trace
from models_registry.queue import wakeups
from models_registry.services.versions import TriggeredEvent
from subscriptions.models import (
    DEPTH_LIMIT,
    EventSubscription,
    EventSubscriptionQuerySet,
    InputSource,
    SubscriptionStatus,
    Trigger,
)
from subscriptions.services.fired_jobs import Shot, kept_uuid, rows_of, uuid_placeholder

NO_ACTIVE_VERSION = "The target has no active version."
TOO_DEEP = f"The chain is {DEPTH_LIMIT} jobs long and stops here."
NO_OUTPUT = "The triggering job has no output to hand on."
# So many are read and written by a statement, which has 15 seconds, and held in memory.
FIRED_AT_ONCE = 5_000
# What a job takes from its subscription, and what tells that it is the one that was read.
COPIED = ("id", "revision", "target_id", "target_action", "input_source", "input", "warnings")
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
    """What is read of a subscription that fires; never its payload.

    As long as `revision` is the same, so is the payload.
    """

    id: UUID
    revision: int
    target_action: str
    input_source: str
    input_bytes: int
    version_id: int | None
    handlers: dict[str, Any] | None
    metadata_length: int | None


def fire(fact: Fact) -> list[TriggeredEvent]:
    """Make a job for each active subscription on `fact`; must be inside its transaction.

    Returns an entry for each, with the job's id or the reason why there is none; stale and
    paused subscriptions have no entry. The payloads are copied inside the database. However many
    subscriptions there are, only the entries, which the answer owes, are held of them all.
    """
    if not _anybody_waits(fact):
        return []
    output_bytes = len(orjson.dumps(fact.output))
    entries: list[TriggeredEvent] = []
    woken: set[bool] = set()
    for due in _in_turn(fact):
        shots = _make_jobs(fact, due, output_bytes)
        _insert_triggers(fact, shots)
        # Whoever is awake looks for the rest as well.
        woken |= _wake_workers([shot for shot in shots if shot.synchronous not in woken])
        entries += (shot.entry for shot in shots)
    return entries


def _anybody_waits(fact: Fact) -> bool:
    """Say whether any subscription may fire: most models have none, and this is soon said."""
    sql = f"""
        SELECT 1 FROM {EventSubscription._meta.db_table}
        WHERE source_id = %s AND trigger_event = %s AND state = 'active' LIMIT 1"""  # noqa: S608 (names of ours)
    with connection.cursor() as cursor:
        cursor.execute(sql, [fact.source_id, str(fact.trigger_event)])
        return cursor.fetchone() is not None


def _due(fact: Fact) -> EventSubscriptionQuerySet:
    """Return the subscriptions that fire."""
    return EventSubscription.objects.with_status().filter(
        Q(state=SubscriptionStatus.ACTIVE, target_differs=False, source_differs=False),
        source_id=fact.source_id,
        trigger_event=fact.trigger_event,
    )


def _in_turn(fact: Fact) -> Iterator[list[_Due]]:
    """Yield the subscriptions that fire, in the order of their ids, some at a time."""
    due, after = _due(fact), Q()
    while found := _read(due.filter(after)):
        yield found
        if len(found) < FIRED_AT_ONCE:
            return
        after = Q(pk__gt=found[-1].id)


def _read(due: EventSubscriptionQuerySet) -> list[_Due]:
    columns = due.order_by("pk").values_list(
        "pk",
        "revision",
        "target_action",
        "input_source",
        "input_bytes",
        "target__current_version_id",
        "target__current_version__handlers",
        Length("target__current_version__metadata"),
    )
    return [_Due(*row) for row in columns[:FIRED_AT_ONCE]]


def _make_jobs(fact: Fact, due: list[_Due], output_bytes: int) -> list[Shot]:
    """Make a job for each that is due, and return what became of them, in the order of their ids.

    What others commit between the statement that reads a subscription and the one that copies its
    input must not mix: the new input would run the old version. Whoever was changed meanwhile gets
    no job by the second, and is read again, with a lock: it fires as it is by then, once, or not at
    all, as if the event had come after the change. Locking all of them from the beginning would
    hold their owners up instead. An error stands as it was decided, since nothing is copied.
    """
    fired: list[Shot] = []
    while due:
        shots = [_decide(fact, each, output_bytes) for each in due]
        changed = _insert_jobs(fact, [shot for shot in shots if shot.job_id])
        fired += [shot for shot in shots if shot.subscription not in changed]
        again = _due(fact).filter(pk__in=changed).select_for_update(of=("self",), no_key=True)
        due = _read(again) if changed else []
    return sorted(fired)


def _wake_workers(shots: Sequence[Shot]) -> set[bool]:
    """Wake workers for the jobs of these shots; returns for which kinds of calls."""
    by_call: dict[bool, list[UUID]] = defaultdict(list)
    for shot in shots:
        if shot.job_id:
            by_call[shot.synchronous].append(shot.job_id)
    for synchronous, job_ids in by_call.items():
        wakeups.wake_workers(job_ids, synchronous=synchronous)
    return set(by_call)


def _decide(fact: Fact, due: _Due, output_bytes: int) -> Shot:
    hands_on = due.input_source == InputSource.TRIGGER_OUTPUT
    error, synchronous = "", False
    if fact.depth > DEPTH_LIMIT:
        error = TOO_DEEP
    elif due.handlers is None:
        error = NO_ACTIVE_VERSION
    elif hands_on and fact.output is None:
        error = NO_OUTPUT
    else:
        size = output_bytes if hands_on else due.input_bytes
        needed = size + (due.metadata_length or 0) + ENVELOPE_BYTES
        handler = handler_of(due.handlers, due.target_action)
        synchronous = handler.is_synchronous(due.target_action)
        if needed > handler.max_event_bytes(due.target_action):
            error = TOO_LARGE
    job_id = None if error else new_id()
    job = str(job_id) if job_id else ""
    subscription = str(due.id)
    return Shot(subscription, job, job_id, due.revision, due.version_id, synchronous, error)


def _insert_jobs(fact: Fact, shots: Sequence[Shot]) -> Set[str]:
    """Insert the jobs of those that still fire as they were read; returns the ids of the others."""
    if not shots:
        return frozenset()
    source, parameters = rows_of(shots)
    columns = _due(fact).values(*COPIED).query
    due, of_due = columns.get_compiler(connection=connection).as_sql()
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    by_job = fact.job.pk if fact.job else None
    sql = f"""
        INSERT INTO {Job._meta.db_table}
            (id, model_id, version_id, job_type, status, dispatch, origin, input, warnings,
             attempts, triggered_by_id, triggered_by_job_id, depth, due_at, created_at,
             completion_digest, triggered_events, request_id, traceparent)
        SELECT shot.job_id, sub.target_id, shot.version_id, sub.target_action,
               'pending', 'queued', 'triggered',
               CASE WHEN sub.input_source = 'stored' THEN sub.input ELSE %s END,
               CASE WHEN sub.input_source = 'stored' THEN sub.warnings ELSE '[]' END,
               0, sub.id, {uuid_placeholder()}, %s, CURRENT_TIMESTAMP, %s, '', '[]',
               %s, %s
        FROM {source}
        JOIN ({due}) sub ON sub.id = shot.subscription_id AND sub.revision = shot.revision
        """  # noqa: S608 (names of ours and placeholders only)
    output, trace = orjson.dumps(fact.output).decode(), present_trace()
    named = (trace.request_id, trace.traceparent)
    with connection.cursor() as cursor:
        given = [output, kept_uuid(by_job), fact.depth, now, *named, *parameters, *of_due]
        cursor.execute(sql, given)
        return frozenset() if cursor.rowcount == len(shots) else _without_job(shots)


def _without_job(shots: Sequence[Shot]) -> Set[str]:
    made = Job.objects.filter(pk__in=[shot.job_id for shot in shots])
    job_ids = set(made.values_list("pk", flat=True))
    return {shot.subscription for shot in shots if shot.job_id not in job_ids}


def _insert_triggers(fact: Fact, shots: Sequence[Shot]) -> None:
    if not shots:
        return
    source, parameters = rows_of(shots)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    by_job = fact.job.pk if fact.job else None
    sql = f"""
        INSERT INTO {Trigger._meta.db_table}
            (subscription_id, event, source_job_id, job_id, error, created_at)
        SELECT shot.subscription_id, %s, {uuid_placeholder()}, shot.job_id,
               COALESCE(shot.error, ''), %s
        FROM {source}
        """  # noqa: S608 (table names and placeholders only)
    with connection.cursor() as cursor:
        cursor.execute(sql, [fact.name, kept_uuid(by_job), now, *parameters])
