"""Firing subscriptions: one event makes a job for each active subscription, in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.utils import timezone

from models_registry.db import bulk, rows
from models_registry.db.sql import Sql, of_queryset
from models_registry.db.statements import where
from models_registry.handlers import handler_of
from models_registry.handlers.events import ENVELOPE_BYTES
from models_registry.models import Job, Origin, new_id
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
from subscriptions.services.fired_jobs import FiredJob, rows_of

NO_ACTIVE_VERSION = "The target has no active version."
TOO_DEEP = f"The chain is {DEPTH_LIMIT} jobs long and stops here."
NO_OUTPUT = "The triggering job has no output to hand on."
# Read and written by one statement, which has 15 seconds, and held in memory.
FIRED_AT_ONCE = 5_000
# The columns that a job copies from its subscription, and those that detect a change of it.
COPIED = ("id", "revision", "target_id", "target_action", "input_source", "input", "warnings")
TOO_LARGE = "The event for the target's handler would be larger than it takes."


@dataclass(frozen=True)
class Fact:
    """The event: `job` ended, or the version that `job` trained was activated by hand.

    `name` is unique for the event, such as "job:<id>"; `job` is None when no job trained the
    version.
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
        """The length of the chain of jobs up to this event."""
        return 1 if self.job is None else self.job.depth + 1


class _Due(NamedTuple):
    """The columns of a subscription that fires, without its payload.

    The same `revision` means the same payload.
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

    Returns an entry for each, with the id of the job or the reason why there is none; stale and
    paused subscriptions have no entry. The payloads are copied inside the database. Only the
    entries are in memory for all subscriptions, since the answer contains them.
    """
    if not _has_subscribers(fact):
        return []
    output_bytes = len(orjson.dumps(fact.output))
    entries: list[TriggeredEvent] = []
    woken: set[bool] = set()
    for due in _in_pages(fact):
        fired_jobs = _make_jobs(fact, due, output_bytes)
        _insert_triggers(fact, fired_jobs)
        # A worker that is awake looks for the rest as well.
        woken |= _wake_workers([job for job in fired_jobs if job.synchronous not in woken])
        entries += (job.entry for job in fired_jobs)
    return entries


def _has_subscribers(fact: Fact) -> bool:
    """Return whether any subscription may fire: most models have none, and this is cheap."""
    fires = {"source_id": fact.source_id, "trigger_event": fact.trigger_event}
    which = where(EventSubscription, **fires, state=SubscriptionStatus.ACTIVE)
    return (
        rows.read_value(EventSubscription, "id", f"WHERE {which.text} LIMIT 1", which.parameters)
        is not None
    )


def _due(fact: Fact) -> EventSubscriptionQuerySet:
    """Return the subscriptions that fire."""
    return EventSubscription.objects.with_status().filter(
        Q(state=SubscriptionStatus.ACTIVE, target_differs=False, source_differs=False),
        source_id=fact.source_id,
        trigger_event=fact.trigger_event,
    )


def _in_pages(fact: Fact) -> Iterator[list[_Due]]:
    """Yield the subscriptions that fire in pages, by keyset pagination over their ids."""
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


def _make_jobs(fact: Fact, due: list[_Due], output_bytes: int) -> list[FiredJob]:
    """Make a job for each subscription that is due; returns them in the order of their ids.

    A change that is committed between the statement that reads a subscription and the one that
    copies its input must not mix the two: the new input would run the old version. So the second
    statement skips a subscription that was changed, which is then read again with a lock. It fires
    once, or not at all, as if the event had come after the change. Locking every subscription from
    the beginning would block their owners instead. An error is kept as decided: it copies nothing.
    """
    done: list[FiredJob] = []
    while due:
        fired_jobs = [_decide(fact, each, output_bytes) for each in due]
        changed = _insert_jobs(fact, [job for job in fired_jobs if job.job_id])
        done += [job for job in fired_jobs if job.subscription not in changed]
        again = _due(fact).filter(pk__in=changed).select_for_update(of=("self",), no_key=True)
        due = _read(again) if changed else []
    return sorted(done)


def _wake_workers(fired_jobs: Sequence[FiredJob]) -> set[bool]:
    """Wake workers for these jobs; returns which kinds of calls, synchronous or not, have any."""
    by_call: dict[bool, list[UUID]] = defaultdict(list)
    for job in fired_jobs:
        if job.job_id:
            by_call[job.synchronous].append(job.job_id)
    for synchronous, job_ids in by_call.items():
        wakeups.wake_workers(job_ids, synchronous=synchronous)
    return set(by_call)


def _decide(fact: Fact, due: _Due, output_bytes: int) -> FiredJob:
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
    return FiredJob(subscription, job, job_id, due.revision, due.version_id, synchronous, error)


def _insert_jobs(fact: Fact, fired_jobs: Sequence[FiredJob]) -> Set[str]:
    """Insert jobs for the unchanged subscriptions; returns the ids of those that have changed."""
    if not fired_jobs:
        return frozenset()
    due, fired = of_queryset(_due(fact).values(*COPIED)), rows_of(fired_jobs)
    unchanged = "sub.id = fired.subscription_id AND sub.revision = fired.revision"
    source = Sql(
        f"{fired.text} JOIN ({due.text}) sub ON {unchanged}", (*fired.parameters, *due.parameters)
    )
    # What all of them have; the defaults of the other columns are those of any new job.
    template = Job(
        origin=Origin.TRIGGERED,
        triggered_by_job_id=fact.job.pk if fact.job else None,
        depth=fact.depth,
        due_at=Now(),
        created_at=timezone.now(),
        request_id=present_trace().request_id,
        traceparent=present_trace().traceparent,
    )
    made = bulk.insert_select(template, _of_each_job(fact), source)
    return frozenset() if made == len(fired_jobs) else _without_job(fired_jobs)


def _of_each_job(fact: Fact) -> dict[str, Sql]:
    """Return the columns of a job that are those of its subscription."""
    is_stored = f"sub.input_source = '{InputSource.STORED}'"
    output = orjson.dumps(fact.output).decode()
    return {
        "id": Sql("fired.job_id"),
        "model_id": Sql("sub.target_id"),
        "version_id": Sql("fired.version_id"),
        "job_type": Sql("sub.target_action"),
        "input": Sql(f"CASE WHEN {is_stored} THEN sub.input ELSE %s END", (output,)),
        "warnings": Sql(f"CASE WHEN {is_stored} THEN sub.warnings ELSE '[]' END"),
        "triggered_by_id": Sql("sub.id"),
    }


def _without_job(fired_jobs: Sequence[FiredJob]) -> Set[str]:
    made = Job.objects.filter(pk__in=[job.job_id for job in fired_jobs])
    job_ids = set(made.values_list("pk", flat=True))
    return {job.subscription for job in fired_jobs if job.job_id not in job_ids}


def _insert_triggers(fact: Fact, fired_jobs: Sequence[FiredJob]) -> None:
    if not fired_jobs:
        return
    job_id = fact.job.pk if fact.job else None
    template = Trigger(event=fact.name, source_job_id=job_id, created_at=timezone.now())
    of_each = {
        "subscription_id": Sql("fired.subscription_id"),
        "job_id": Sql("fired.job_id"),
        "error": Sql("COALESCE(fired.error, '')"),
    }
    bulk.insert_select(template, of_each, rows_of(fired_jobs))
