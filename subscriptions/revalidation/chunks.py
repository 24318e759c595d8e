"""Sharing a run out: who checks which stretch of payloads, and counting each exactly once.

A run is handed out in chunks, in the order of ids. A chunk is a row with a claim and a lease by
the database's clock: whoever holds the claim may record what was found, and when the lease has
run out the chunk is claimed anew. What was found, the counts and the end of the chunk are one
transaction, so a worker that dies leaves either all of it or nothing.

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
# A chunk that took so many workers with it is left alone, and its run fails.
ATTEMPTS_LIMIT = 5
# After so many of these the rest of the run is not tried: it must be the contract.
HOPELESS_LIMIT = 3


@dataclass(frozen=True)
class Stretch:
    """Payloads that the holder of `claim` is to check: those after `after`, up to `until`."""

    run_id: UUID
    chunk_id: int
    claim: UUID
    after: UUID | None
    until: UUID
    # How often somebody has begun to check it without recording anything.
    tries: int = 0


class _ClaimLost(Exception):
    """The run has ended, or the chunk is somebody else's by now."""


def lease() -> Any:
    """Return when a claim made now lapses, by the database's clock."""
    return Now() + timedelta(seconds=settings.REVALIDATION_LEASE_SECONDS)


def count_total(run: Revalidation) -> int:
    """Count what a run has to check, from the index alone, and keep it if nobody has before."""
    total = payloads_of(run).count()
    Revalidation.objects.filter(pk=run.pk, total=None).update(total=total)
    return total


@transactional
def claim_stretch(run_id: UUID) -> Stretch | None:
    """Claim a chunk of a run: one whose lease ran out, else the next; opens a transaction.

    None when the run has ended, or the rest of it is in the hands of others.
    """
    # What a crash of the database takes back is merely done again.
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
    stretch = _take_lapsed(run) or _take_next(run)
    if stretch is None:
        _finish_if_done(run_id)
    return stretch


def give_back(stretch: Stretch) -> None:
    """Leave a stretch that was claimed to whoever comes next; opens a transaction."""
    mine = RevalidationChunk.objects.filter(pk=stretch.chunk_id, claim=stretch.claim)
    mine.update(lease_until=Now())


@transactional
def count_try(stretch: Stretch) -> None:
    """Keep that this worker begins to check a stretch, in case it does not survive that.

    A chunk that is only claimed ahead has no part in what happens to its worker. Opens a
    transaction.
    """
    commit_lazily()
    rows.was_changed(RevalidationChunk, {"attempts": Sql("attempts + 1")}, _held(stretch))


def record_findings(stretch: Stretch, findings: Findings, *, is_over: bool) -> Stretch | None:
    """Record what was found in a stretch; opens a transaction.

    Returns what is left of the stretch, if it was checked in part, with a new lease. None when
    it is done, when `is_over` (whoever comes next takes the rest), or when the claim was lost:
    then nothing is recorded.
    """
    try:
        return _record(stretch, findings, is_over=is_over)
    except _ClaimLost:
        logger.info("revalidation.claim_lost run=%s chunk=%s", stretch.run_id, stretch.chunk_id)
        return None


@transactional
def _record(stretch: Stretch, findings: Findings, *, is_over: bool) -> Stretch | None:
    commit_lazily()
    write_warnings(findings.changes)
    # Last, since the other workers of the run wait for this row.
    counts = {
        "checked": Sql("checked + %s", (findings.checked,)),
        "invalid": Sql("invalid + %s", (findings.invalid,)),
        "due_at": _lease(),
    }
    is_running = statements.where(Revalidation, status=RevalidationStatus.RUNNING)
    run = _change(stretch.run_id, counts, is_running)
    if run is None:
        raise _ClaimLost
    if findings.reached != stretch.until:
        return _leave_rest(stretch, findings.reached, is_over=is_over)
    deleted, _ = RevalidationChunk.objects.filter(pk=stretch.chunk_id, claim=stretch.claim).delete()
    if not deleted:
        raise _ClaimLost
    if run.exhausted:
        _finish_if_done(stretch.run_id)
    return None


def _leave_rest(stretch: Stretch, reached: UUID, *, is_over: bool) -> Stretch | None:
    """Keep how far a stretch was checked, and return what is left unless that is for others."""
    rest = {
        "after": reached,
        "lease_until": Sql(dialect.now()) if is_over else _lease(),
        "attempts": 0 if is_over else 1,
    }
    if not rows.was_changed(RevalidationChunk, rest, _held(stretch)):
        raise _ClaimLost
    if is_over:
        return None
    return Stretch(stretch.run_id, stretch.chunk_id, stretch.claim, reached, stretch.until)


@transactional
def give_up(run_id: UUID) -> bool:
    """End a run as failed if nothing is left of it but what kills its workers; opens a transaction.

    Also when so many chunks do that it must be the contract. Returns whether it was ended.
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
        + (f", and in {number - 1} other such stretches." if number > 1 else ".")
    )
    open_run.update(status=RevalidationStatus.FAILED, error=error, due_at=None, finished_at=Now())
    run.chunks.all().delete()
    logger.error("revalidation.given_up run=%s: %s", run_id, error)
    return True


def _take_lapsed(run: Revalidation) -> Stretch | None:
    """Claim a chunk anew that was not done within its lease; the run must be locked."""
    of_run = statements.where(RevalidationChunk, run_id=run.pk)
    first = f"""id = (SELECT id FROM {CHUNKS} WHERE {of_run.text}
        AND lease_until <= {dialect.now()} AND attempts < {ATTEMPTS_LIMIT}
        ORDER BY id LIMIT 1)"""  # noqa: S608 (names of ours)
    claimed = {"claim": uuid4(), "lease_until": _lease()}
    chunk = rows.change(RevalidationChunk, claimed, Sql(first, of_run.parameters))
    return None if chunk is None else _stretch(chunk)


def _take_next(run: Revalidation) -> Stretch | None:
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
    chunk = RevalidationChunk(run_id=run.pk, after=run.cursor, until=until, attempts=0)
    chunk.claim, chunk.lease_until = uuid4(), lease()
    chunk.save(force_insert=True)
    return _stretch(chunk)


def _stretch(chunk: RevalidationChunk) -> Stretch:
    return Stretch(chunk.run_id, chunk.pk, chunk.claim, chunk.after, chunk.until, chunk.attempts)


def _change(run_id: UUID, columns: Mapping[str, Any], *conditions: Sql) -> Revalidation | None:
    of_run = statements.where(Revalidation, id=run_id)
    return rows.change(Revalidation, columns, of_run, *conditions, without="schema")


def _held(stretch: Stretch) -> Sql:
    return statements.where(RevalidationChunk, id=stretch.chunk_id, claim=stretch.claim)


def _lease() -> Sql:
    return sql.after(Sql("%s", (settings.REVALIDATION_LEASE_SECONDS,)))


def _finish_if_done(run_id: UUID) -> None:
    """End a run of which nothing is left; must be inside a transaction that holds its row.

    `total` becomes what was checked: subscriptions may have come and gone meanwhile.
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
