"""Chunks of a revalidation run: claim, lease, progress, and counting each payload exactly once.

Workers claim the payloads of a run in chunks, in the order of ids. A chunk is a row with a claim
and a lease by the database's clock: the holder of the claim may record its findings, and another
worker claims the chunk again when the lease has expired. Findings, counts and the end of the chunk
are one transaction, so a worker that dies leaves all of it or nothing.

Locks are taken in one order: subscriptions, then the run, then its chunks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models.functions import Now

from models_registry.db import dialect, rows, sql, statements
from models_registry.db.sql import Sql
from models_registry.db.transactions import commit_lazily, transactional
from subscriptions.models import OPEN_RUN, Revalidation, RevalidationChunk, RevalidationStatus
from subscriptions.revalidation.payloads import Findings, payloads_of, write_warnings

logger = logging.getLogger(__name__)

IS_OPEN = Sql(f"status IN ({', '.join(repr(str(status)) for status in OPEN_RUN)})")
CHUNKS = RevalidationChunk._meta.db_table

CHUNK_ROWS = 20_000
# A chunk that killed so many workers is not claimed again, and its run fails.
ATTEMPTS_LIMIT = 5
# After so many such chunks the whole run is given up: the contract must be the cause.
HOPELESS_LIMIT = 3


@dataclass(frozen=True)
class ClaimedChunk:
    """Payloads for the holder of `claim` to check: those after the id `after`, up to `until`."""

    run_id: UUID
    chunk_id: int
    claim: UUID
    after: UUID | None
    until: UUID
    # How often a worker has begun to check it without recording anything.
    attempts: int = 0


class _ClaimLost(Exception):
    """The run has ended, or another worker has claimed the chunk."""


def lease() -> Any:
    """Return when a claim made now expires, by the database's clock."""
    return Now() + timedelta(seconds=settings.REVALIDATION_LEASE_SECONDS)


def count_total(run: Revalidation) -> int:
    """Count the payloads of a run, from the index alone, and store the total unless it is known."""
    total = payloads_of(run).count()
    Revalidation.objects.filter(pk=run.pk, total=None).update(total=total)
    return total


@transactional
def claim_chunk(run_id: UUID) -> ClaimedChunk | None:
    """Claim a chunk of a run: one whose lease has expired, else the next; opens a transaction.

    Returns None when the run has ended, and when other workers have claimed the rest.
    """
    # A commit lost in a crash of the database is only done again.
    commit_lazily()
    begun = {
        "status": RevalidationStatus.RUNNING,
        "started_at": Sql(f"COALESCE(started_at, {dialect.now()})"),
        "due_at": _lease(),
    }
    # First, since it locks the run.
    run = _change(run_id, begun, IS_OPEN)
    if run is None:
        return None
    chunk = _take_lapsed(run) or _take_next(run)
    if chunk is None:
        _finish_if_done(run_id)
    return chunk


def release(chunk: ClaimedChunk) -> None:
    """End the lease of a chunk, so that the next worker can claim it; opens a transaction."""
    mine = RevalidationChunk.objects.filter(pk=chunk.chunk_id, claim=chunk.claim)
    mine.update(lease_until=Now())


@transactional
def count_attempt(chunk: ClaimedChunk) -> None:
    """Count that this worker begins to check a chunk, in case that kills it; opens a transaction.

    A chunk that is only claimed ahead can't be the cause of its worker's death.
    """
    commit_lazily()
    rows.was_changed(RevalidationChunk, {"attempts": Sql("attempts + 1")}, _held(chunk))


def record_findings(
    chunk: ClaimedChunk, findings: Findings, *, time_is_up: bool
) -> ClaimedChunk | None:
    """Record what was found in a chunk; opens a transaction.

    Returns the rest of a chunk that was checked in part, with a new lease. Returns None when the
    chunk is done, when `time_is_up` (the next worker takes the rest), and when the claim was lost:
    then nothing is recorded.
    """
    try:
        return _record(chunk, findings, time_is_up=time_is_up)
    except _ClaimLost:
        logger.info("revalidation.claim_lost run=%s chunk=%s", chunk.run_id, chunk.chunk_id)
        return None


@transactional
def _record(chunk: ClaimedChunk, findings: Findings, *, time_is_up: bool) -> ClaimedChunk | None:
    commit_lazily()
    write_warnings(findings.changes)
    # Last, since the other workers of the run wait for the lock on this row.
    counts = {
        "checked": Sql("checked + %s", (findings.checked,)),
        "invalid": Sql("invalid + %s", (findings.invalid,)),
        "due_at": _lease(),
    }
    is_running = statements.where(Revalidation, status=RevalidationStatus.RUNNING)
    run = _change(chunk.run_id, counts, is_running)
    if run is None:
        raise _ClaimLost
    if findings.reached != chunk.until:
        return _leave_rest(chunk, findings.reached, time_is_up=time_is_up)
    deleted, _ = RevalidationChunk.objects.filter(pk=chunk.chunk_id, claim=chunk.claim).delete()
    if not deleted:
        raise _ClaimLost
    if run.exhausted:
        _finish_if_done(chunk.run_id)
    return None


def _leave_rest(chunk: ClaimedChunk, reached: UUID, *, time_is_up: bool) -> ClaimedChunk | None:
    """Store how far a chunk was checked; returns the rest unless the next worker takes it."""
    rest = {
        "after": reached,
        "lease_until": Sql(dialect.now()) if time_is_up else _lease(),
        "attempts": 0 if time_is_up else 1,
    }
    if not rows.was_changed(RevalidationChunk, rest, _held(chunk)):
        raise _ClaimLost
    if time_is_up:
        return None
    return ClaimedChunk(chunk.run_id, chunk.chunk_id, chunk.claim, reached, chunk.until)


@transactional
def give_up(run_id: UUID) -> bool:
    """End a run as failed if only chunks that kill their workers are left; opens a transaction.

    Also when so many chunks do that the contract must be the cause. Returns whether it was ended.
    """
    open_run = Revalidation.objects.filter(pk=run_id, status__in=OPEN_RUN)
    run = open_run.select_for_update(no_key=True).defer("schema").first()
    if run is None:
        return False
    hopeless = run.chunks.filter(lease_until__lte=Now(), attempts__gte=ATTEMPTS_LIMIT)
    first, number = hopeless.order_by("pk").first(), hopeless.count()
    is_rest = run.exhausted and run.chunks.count() == number
    if first is None or not (is_rest or number >= HOPELESS_LIMIT):
        return False
    error = (
        f"The worker died in each of {first.attempts} tries to check the payloads after"
        f" {first.after or 'the first'} up to {first.until}"
        + (f", and in {number - 1} other such chunks." if number > 1 else ".")
    )
    open_run.update(status=RevalidationStatus.FAILED, error=error, due_at=None, finished_at=Now())
    run.chunks.all().delete()
    logger.error("revalidation.given_up run=%s: %s", run_id, error)
    return True


def _take_lapsed(run: Revalidation) -> ClaimedChunk | None:
    """Claim a chunk whose lease has expired; the run must be locked."""
    of_run = statements.where(RevalidationChunk, run_id=run.pk)
    first = f"""id = (SELECT id FROM {CHUNKS} WHERE {of_run.text}
        AND lease_until <= {dialect.now()} AND attempts < {ATTEMPTS_LIMIT}
        ORDER BY id LIMIT 1)"""  # noqa: S608 (names of ours)
    claimed = {"claim": uuid4(), "lease_until": _lease()}
    row = rows.change(RevalidationChunk, claimed, Sql(first, of_run.parameters))
    return None if row is None else _claimed(row)


def _take_next(run: Revalidation) -> ClaimedChunk | None:
    """Claim the next chunk and move the cursor of `run`, which must be locked."""
    if run.exhausted:
        return None
    payloads = payloads_of(run)
    if run.cursor is not None:
        payloads = payloads.filter(pk__gt=run.cursor)
    ids = payloads.order_by("pk").values_list("pk", flat=True)
    until = next(iter(ids[CHUNK_ROWS - 1 : CHUNK_ROWS]), None)
    is_last = until is None
    until = until or ids.last()
    _change(run.pk, {"cursor": until or run.cursor, "exhausted": is_last})
    if until is None:
        return None
    row = RevalidationChunk(run_id=run.pk, after=run.cursor, until=until, attempts=0)
    row.claim, row.lease_until = uuid4(), lease()
    row.save(force_insert=True)
    return _claimed(row)


def _claimed(row: RevalidationChunk) -> ClaimedChunk:
    return ClaimedChunk(row.run_id, row.pk, row.claim, row.after, row.until, row.attempts)


def _change(run_id: UUID, columns: Mapping[str, Any], *conditions: Sql) -> Revalidation | None:
    of_run = statements.where(Revalidation, id=run_id)
    return rows.change(Revalidation, columns, of_run, *conditions, without="schema")


def _held(chunk: ClaimedChunk) -> Sql:
    return statements.where(RevalidationChunk, id=chunk.chunk_id, claim=chunk.claim)


def _lease() -> Sql:
    return sql.after(Sql("%s", (settings.REVALIDATION_LEASE_SECONDS,)))


def _finish_if_done(run_id: UUID) -> None:
    """End a run of which nothing is left; must be inside a transaction that holds its row.

    `total` becomes the number checked: subscriptions may have come and gone meanwhile.
    """
    chunks = statements.where(RevalidationChunk, run_id=run_id)
    is_done = f"exhausted AND NOT EXISTS (SELECT 1 FROM {CHUNKS} WHERE {chunks.text})"  # noqa: S608 (names of ours)
    ended = {
        "status": RevalidationStatus.SUCCESS,
        "due_at": None,
        "finished_at": Sql(dialect.now()),
        "total": Sql("checked"),
    }
    _change(run_id, ended, Sql(is_done, chunks.parameters))
