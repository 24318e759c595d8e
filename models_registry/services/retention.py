"""Retention: deletes old rows in small batches, but none that is still needed.

Each kind of row is registered with its age (`KINDS`); other apps add theirs when they are ready.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from models_registry.db.locks import passing_over_locked
from models_registry.db.transactions import transactional
from models_registry.models import Action, IdempotencyRecord, Job, JobStatus, Origin
from models_registry.observability.audit_log import AuditEntry

logger = logging.getLogger(__name__)

# One transaction looks at so many rows, so that it locks none of them for long.
BATCH_ROWS = 500
# After this time no further batch is begun.
WORK_SECONDS = 20.0


@dataclass(frozen=True)
class Kind:
    """A kind of row with a `created_at`, and when its rows may be deleted.

    `age` returns how long rows are kept by the present settings; None is for ever. `old` returns
    the rows before the given time that may be deleted.
    """

    name: str
    age: Callable[[], timedelta | None]
    old: Callable[[datetime], QuerySet[Any]]


@dataclass
class Pruned:
    """How many rows of each kind were deleted; `is_done` is False when time ran out before."""

    counts: dict[str, int] = field(default_factory=dict)
    is_done: bool = True


class _Batch(NamedTuple):
    deleted: int
    # The last row that was looked at; None when no more of them is old.
    last: Any


def prune(*, seconds: float = WORK_SECONDS) -> Pruned:
    """Delete what is too old, for at most `seconds`; must be outside a transaction.

    Any number of processes may run it at once. The kinds registered last are deleted first, since
    they refer to the others.
    """
    ends_at = time.monotonic() + seconds
    pruned = Pruned()
    for kind in reversed(KINDS):
        age = kind.age()
        if age is not None:
            _prune_kind(kind, timezone.now() - age, ends_at, pruned)
    found = {name: count for name, count in pruned.counts.items() if count}
    if found:
        logger.info("retention.deleted %s", " ".join(f"{k}={n}" for k, n in found.items()))
    return pruned


def _prune_kind(kind: Kind, before: datetime, ends_at: float, pruned: Pruned) -> None:
    pruned.counts.setdefault(kind.name, 0)
    last = None
    while True:
        if time.monotonic() >= ends_at:
            pruned.is_done = False
            return
        batch = _delete_batch(kind, before, last)
        pruned.counts[kind.name] += batch.deleted
        last = batch.last
        if last is None:
            return


@transactional
def _delete_batch(kind: Kind, before: datetime, after: Any) -> _Batch:
    """Look at the next rows in the order of keys, which is nearly that of time; delete old ones.

    The primary key is the only index needed, and when nothing is old the first batch shows it.
    """
    old = kind.old(before)
    rows: QuerySet[Any] = _model(old)._default_manager.order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    window = list(rows.values_list("pk", "created_at")[:BATCH_ROWS])
    if not window or window[0][1] >= before:
        return _Batch(0, None)
    found = old.filter(pk__in=[key for key, _ in window]).order_by("pk")
    keys = list(passing_over_locked(found).values_list("pk", flat=True))
    # Not with their payloads, which would all be in memory at once.
    _, by_table = _model(old)._default_manager.filter(pk__in=keys).only("pk").delete()
    is_last = len(window) < BATCH_ROWS
    return _Batch(by_table.get(_model(old)._meta.label, 0), None if is_last else window[-1][0])


def _model(rows: QuerySet[Any]) -> type[models.Model]:
    model: type[models.Model] = rows.model
    return model


def age_of_days(days: int) -> timedelta | None:
    """Return the age that a setting in days means; 0 is for ever."""
    return timedelta(days=days) if days else None


def job_age() -> timedelta | None:
    """Return how long jobs, and the records of their events, are kept after their end."""
    return age_of_days(settings.JOB_RETENTION_DAYS)


def _old_jobs(before: datetime) -> QuerySet[Job]:
    """Return the jobs that ended before a time, except those whose data is still used.

    These are a model's latest training by hand (its input is that of automatic trainings) and a
    version's latest success of training (its output goes with an activation by hand).
    """
    trainings = Job.objects.filter(job_type=Action.TRAINING)
    by_hand = trainings.filter(model=OuterRef("model"), origin=Origin.MANUAL, pk__gt=OuterRef("pk"))
    trained = trainings.filter(
        version=OuterRef("version"),
        status=JobStatus.SUCCESS,
        completed_at__gt=OuterRef("completed_at"),
    )
    is_training = Q(job_type=Action.TRAINING)
    handed_on = is_training & (
        (Q(origin=Origin.MANUAL) & ~Exists(by_hand))
        | (Q(status=JobStatus.SUCCESS) & ~Exists(trained))
    )
    return Job.objects.filter(~handed_on, due_at=None, completed_at__lt=before)


def _old_answers(before: datetime) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(created_at__lt=before)


def _old_entries(before: datetime) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(created_at__lt=before)


# Rows that refer to others stand after them.
KINDS: list[Kind] = [
    Kind("jobs", job_age, _old_jobs),
    Kind(
        "idempotency_records",
        lambda: timedelta(hours=settings.IDEMPOTENCY_HOURS),
        _old_answers,
    ),
    Kind(
        "audit_entries",
        lambda: age_of_days(settings.AUDIT_RETENTION_DAYS),
        _old_entries,
    ),
]
