"""Claims and leases: of many workers that would call a job's handler, one gets the job."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

from django.conf import settings

from models_registry.db import dialect, rows, sql, statements
from models_registry.db.sql import Sql
from models_registry.db.transactions import transactional
from models_registry.handlers import HANDLERS, Handler
from models_registry.models import (
    Action,
    Dispatch,
    Job,
    JobStatus,
    ModelVersion,
    VersionStatus,
)
from models_registry.services.completion import IS_OPEN
from models_registry.services.lookups import version_of

TABLE, VERSIONS = Job._meta.db_table, ModelVersion._meta.db_table


@transactional
def claim_job(job_id: UUID) -> Job | None:
    """Claim a job that is due, counting the attempt before the call; opens a transaction.

    Returns None when somebody else was first. A training job moves its version to `training`.
    """
    return _claim(statements.where(Job, id=job_id), is_due())


@transactional
def claim_due_job(*, synchronous: bool) -> Job | None:
    """Claim the job that has been due longest, of those whose calls are (not) synchronous.

    Opens a transaction. Skips jobs that other workers are claiming. Returns None when none is due.
    """
    oldest = _oldest(synchronous)
    return _claim(Sql(f"id = ({oldest.text})", oldest.parameters))


@transactional
def claim_callable_job(job_id: UUID, may_call: Callable[[ModelVersion, str], bool]) -> Job | None:
    """As `claim_job`, but only if `may_call` returns true for the job's version and type.

    It is asked while the job's row is locked, so a worker that may call the handler has the job.
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


def _oldest(synchronous: bool) -> Sql:
    """Return what selects the job that has been due longest, and locks it where that is known."""
    due, called = is_due(), is_called(synchronous=synchronous)
    text = f"""SELECT id FROM {TABLE} WHERE {due.text} AND {called.text}
        ORDER BY due_at LIMIT 1 {_passing_over()}"""  # noqa: S608 (names of ours)
    return Sql(text, called.parameters)


def _passing_over() -> str:
    """Return what locks the rows of a statement and skips those that others have locked."""
    return dialect.locking("FOR UPDATE SKIP LOCKED")


def claim_of(job: Job) -> Sql:
    """Return the condition that a job is still under the claim with which it was read."""
    return statements.where(Job, dispatch=Dispatch.CLAIMED, claim=job.claim)


def is_tried_enough(job: Job) -> bool:
    """Return whether a job that was called and not reached is given up.

    A handler that had no room is not at fault and never began: such calls have a larger limit.
    """
    tries: int = settings.DISPATCH_MAX_ATTEMPTS
    refusals: int = settings.DISPATCH_MAX_THROTTLED
    return job.attempts >= tries or job.throttled >= refusals


def is_due() -> Sql:
    """Return the condition that a job is queued and its time has come."""
    # Spelled out, so that the index of queued jobs is seen to hold them.
    return Sql(f"dispatch = '{Dispatch.QUEUED}' AND {IS_OPEN.text} AND due_at <= {dialect.now()}")


def is_called(*, synchronous: bool) -> Sql:
    """Return the condition that the call of a job's handler is (not) synchronous."""
    column, kinds = _kinds()
    matching = [
        kind
        for kind, (handler, job_type) in kinds.items()
        if handler.is_synchronous(job_type) == synchronous
    ]
    if not matching:
        return Sql("1 = 0")
    return Sql(f"{column} IN ({', '.join(['%s'] * len(matching))})", tuple(matching))


def handler_member(name: str) -> str:
    """Return what in a statement on versions is a member of the handler of a job's type."""
    return dialect.json_text("handlers", "job_type", name)


def _kinds() -> tuple[str, Mapping[str, tuple[Handler, str]]]:
    """Return what in a statement tells jobs apart that are called in different ways.

    That is the job's type, by which queued jobs have an index. With several handler types it is
    the handler's type too, which is read from the job's version: a search then passes one by one
    over older jobs that are called the other way.
    """
    if len(HANDLERS) == 1:
        (handler,) = HANDLERS.values()
        return "job_type", {action: (handler, action) for action in Action.values}
    of_version = f"SELECT {handler_member('type')} FROM {VERSIONS} v WHERE v.id = version_id"  # noqa: S608 (names of ours)
    return f"(({of_version}) || ' ' || job_type)", {
        f"{type} {action}": (handler, action)
        for type, handler in HANDLERS.items()
        for action in Action.values
    }


def _claim(*which: Sql) -> Job | None:
    begun = time.monotonic()
    # The commit waits for the disk: a try that a crash of the database took back would be made
    # again without being counted.
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
    """Return how long the claim of a job lasts: its longest call, and time to record it.

    A handler type that this process does not know, after a downgrade, has the longest lease: its
    call fails, and the job ends after the last try.
    """
    column, kinds = _kinds()
    lease: int = settings.DISPATCH_LEASE_SECONDS
    bounds = [
        (kind, lease + handler.longest_call_seconds(job_type))
        for kind, (handler, job_type) in kinds.items()
    ]
    whens = " ".join("WHEN %s THEN %s" for _ in bounds)
    longest = max(seconds for _, seconds in bounds)
    values = tuple(part for pair in bounds for part in pair)
    return Sql(f"CASE {column} {whens} ELSE %s END", (*values, longest))
