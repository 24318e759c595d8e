"""Sharing a run out: who checks which stretch of payloads, and counting each exactly once.

A run is handed out in chunks, in the order of ids. A chunk is a row with a claim and a lease by
the database's clock: whoever holds the claim may record what was found, and when the lease has
run out the chunk is claimed anew. What was found, the counts and the end of the chunk are one
transaction, so a worker that dies leaves either all of it or nothing.

Locks are taken in one order: subscriptions, then the run, then its chunks.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce, Now

from models_registry.services.transactions import transactional
from subscriptions.models import (
    OPEN_RUN,
    Revalidation,
    RevalidationChunk,
    RevalidationStatus,
)
from subscriptions.services.payloads import Findings, payloads_of, write_warnings

logger = logging.getLogger(__name__)

CHUNK_ROWS = 10_000


@dataclass(frozen=True)
class Stretch:
    """Payloads that the holder of `claim` is to check: those after `after`, up to `until`."""

    run_id: UUID
    chunk_id: int
    claim: UUID
    after: UUID | None
    until: UUID


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
    _commit_lazily()
    locked = Revalidation.objects.select_for_update(no_key=True).defer("schema")
    run = locked.filter(pk=run_id, status__in=OPEN_RUN).first()
    if run is None:
        return None
    stretch = _take_lapsed(run) or _take_next(run)
    Revalidation.objects.filter(pk=run.pk).update(
        status=RevalidationStatus.RUNNING,
        started_at=Coalesce(F("started_at"), Now()),
        cursor=run.cursor,
        exhausted=run.exhausted,
        due_at=lease(),
    )
    if stretch is None:
        _finish_if_done(run_id)
    return stretch


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
    _commit_lazily()
    write_warnings(findings.changes)
    # Last, since the other workers of the run wait for this row.
    is_open = Revalidation.objects.filter(
        pk=stretch.run_id, status=RevalidationStatus.RUNNING
    ).update(
        checked=F("checked") + findings.checked,
        invalid=F("invalid") + findings.invalid,
        due_at=lease(),
    )
    if not is_open:
        raise _ClaimLost
    mine = RevalidationChunk.objects.filter(pk=stretch.chunk_id, claim=stretch.claim)
    if findings.reached != stretch.until:
        if not mine.update(after=findings.reached, lease_until=Now() if is_over else lease()):
            raise _ClaimLost
        rest = Stretch(
            stretch.run_id, stretch.chunk_id, stretch.claim, findings.reached, stretch.until
        )
        return None if is_over else rest
    deleted, _ = mine.delete()
    if not deleted:
        raise _ClaimLost
    _finish_if_done(stretch.run_id)
    return None


def _commit_lazily() -> None:
    """Don't wait for the disk at the end of this transaction; must be inside it.

    All of a run's rows are committed this way or by a later commit that does wait, in one order;
    what a crash of the database takes back is merely done again.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


def _take_lapsed(run: Revalidation) -> Stretch | None:
    """Claim a chunk anew that was not done within its lease; the run must be locked."""
    for chunk in run.chunks.filter(lease_until__lte=Now()).order_by("pk"):
        claim = uuid4()
        if run.chunks.filter(pk=chunk.pk, claim=chunk.claim).update(
            claim=claim, lease_until=lease()
        ):
            return Stretch(run.pk, chunk.pk, claim, chunk.after, chunk.until)
    return None


def _take_next(run: Revalidation) -> Stretch | None:
    """Claim the next chunk and move the cursor of `run`, which must be locked."""
    if run.exhausted:
        return None
    payloads = payloads_of(run)
    if run.cursor is not None:
        payloads = payloads.filter(pk__gt=run.cursor)
    ids = payloads.order_by("pk").values_list("pk", flat=True)
    until = next(iter(ids[CHUNK_ROWS - 1 : CHUNK_ROWS]), None)
    if until is None:
        run.exhausted = True
        until = ids.last()
        if until is None:
            return None
    after, run.cursor = run.cursor, until
    chunk = RevalidationChunk.objects.create(
        run_id=run.pk, after=after, until=until, claim=uuid4(), lease_until=lease()
    )
    return Stretch(run.pk, chunk.pk, chunk.claim, after, until)


def _finish_if_done(run_id: UUID) -> None:
    """End a run of which nothing is left; must be inside a transaction that holds its row.

    `total` becomes what was checked: subscriptions may have come and gone meanwhile.
    """
    chunks = RevalidationChunk.objects.filter(run=OuterRef("pk"))
    done = Revalidation.objects.filter(~Exists(chunks), pk=run_id, exhausted=True)
    done.update(
        status=RevalidationStatus.SUCCESS, due_at=None, finished_at=Now(), total=F("checked")
    )
