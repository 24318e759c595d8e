"""Claiming jobs that are due: of many workers that would have one, a single one gets it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

from django.conf import settings

from models_registry.db import dialect, rows, sql, statements
from models_registry.db.sql import Sql
from models_registry.db.transactions import transactional
from models_registry.models import (
    Action,
    Dispatch,
    Job,
    JobStatus,
    ModelVersion,
    VersionStatus,
)
from models_registry.queue.wakeups import is_synchronous
from models_registry.services.completion import IS_OPEN
from models_registry.services.lookups import version_of

TABLE = Job._meta.db_table


@transactional
def claim_job(job_id: UUID) -> Job | None:
    """Claim a job that is due, counting the attempt before the call; opens a transaction.

    Returns None when somebody else was first. A training job moves its version to `training`.
    """
    return _claim(statements.where(Job, id=job_id), is_due())


@transactional
def claim_due_job(job_types: Sequence[str]) -> Job | None:
    """Claim the job of these types that has been due longest; opens a transaction.

    Passes over what other workers are claiming. Returns None when none is due.
    """
    if not job_types:
        return None
    oldest = _oldest(job_types)
    return _claim(Sql(f"id = ({oldest.text})", oldest.parameters))


@transactional
def claim_callable_job(job_id: UUID, may_call: Callable[[ModelVersion, str], bool]) -> Job | None:
    """As `claim_job`, but only if `may_call` says so of the job's version and type.

    It is asked only when nobody else can claim the job any more, so who is told yes has the job.
    """
    due = is_due()
    found = sql.read(
        f"SELECT version_id, job_type FROM {TABLE} WHERE id = %s AND {due.text} {_passing_over()}",  # noqa: S608 (names of ours)
        [statements.key(Job, job_id)],
    )
    if not found:
        return None
    version_id, job_type = found[0]
    version = rows.read(ModelVersion, "WHERE id = %s", [version_id])
    if version is None or not may_call(version, job_type):
        return None
    return _claim(statements.where(Job, id=job_id), due)


def _oldest(job_types: Sequence[str]) -> Sql:
    """Return what selects the job that has been due longest, and locks it where that is known."""
    due, among = is_due(), ", ".join(["%s"] * len(job_types))
    text = f"""SELECT id FROM {TABLE} WHERE {due.text} AND job_type IN ({among})
        ORDER BY due_at LIMIT 1 {_passing_over()}"""  # noqa: S608 (names of ours)
    return Sql(text, tuple(job_types))


def _passing_over() -> str:
    """Return what locks the rows of a statement and passes over those that others have locked."""
    return dialect.locking("FOR UPDATE SKIP LOCKED")


def claim_of(job: Job) -> Sql:
    """Return the condition that a job is still under the claim with which it was read."""
    return statements.where(Job, dispatch=Dispatch.CLAIMED, claim=job.claim)


def is_tried_enough(job: Job) -> bool:
    """Say whether a job that was called and not reached is called no more.

    A handler that had no room is not at fault and never began: of such calls there may be more.
    """
    tries: int = settings.DISPATCH_MAX_ATTEMPTS
    refusals: int = settings.DISPATCH_MAX_THROTTLED
    return job.attempts >= tries or job.throttled >= refusals


def is_due() -> Sql:
    """Return the condition that a job is queued and its time has come."""
    # Spelled out, so that the index of queued jobs is seen to hold them.
    return Sql(f"dispatch = '{Dispatch.QUEUED}' AND {IS_OPEN.text} AND due_at <= {dialect.now()}")


def _claim(*which: Sql) -> Job | None:
    begun = time.monotonic()
    # Its commit waits for the disk: a try that a crash of the database took back would be made
    # again, and not be counted.
    columns = {
        "status": JobStatus.STARTED,
        "dispatch": Dispatch.CLAIMED,
        "claim": uuid4(),
        "attempts": Sql("attempts + 1"),
        "started_at": Sql(f"COALESCE(started_at, {dialect.now()})"),
        "due_at": sql.after(_lease_seconds()),
    }
    job = rows.change(Job, columns, *which)
    if job is None:
        return None
    job.claimed_from = begun
    job.version = version_of(job)
    if job.job_type == Action.TRAINING:
        _begin_training(job)
    return job


def _begin_training(job: Job) -> None:
    # At a retry, `failed` was set since the job began: a withdrawal, which stands.
    before = [VersionStatus.PENDING, *([VersionStatus.FAILED] if job.calls == 1 else [])]
    if job.version.status in before:
        rows.was_changed(
            ModelVersion,
            {"status": VersionStatus.TRAINING, "revision": Sql("revision + 1")},
            statements.where(ModelVersion, id=job.version_id, status=job.version.status),
        )


def _lease_seconds() -> Sql:
    """Return how long a claim of a job lasts, by its type."""
    whens = " ".join("WHEN %s THEN %s" for _ in Action.values)
    bounds = [(action, _lease_of(action)) for action in Action.values]
    return Sql(f"CASE job_type {whens} END", tuple(part for pair in bounds for part in pair))


def _lease_of(job_type: str) -> int:
    """Return how long a claim lasts: the call at its longest, and time to record it."""
    call: int = (
        settings.LAMBDA_SYNC_READ_TIMEOUT_SECONDS
        if is_synchronous(job_type)
        else settings.LAMBDA_EVENT_READ_TIMEOUT_SECONDS
    )
    connect: int = settings.LAMBDA_CONNECT_TIMEOUT_SECONDS
    lease: int = settings.DISPATCH_LEASE_SECONDS
    return lease + connect + call
