"""Idempotency-Key: the first answer to a request is stored in the transaction of its effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from models_registry.db import locks, rows
from models_registry.db.transactions import transactional
from models_registry.errors import Conflict, Unprocessable
from models_registry.models import IdempotencyRecord


class KeyReused(Unprocessable):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key stands for another request."


class KeyInFlight(Conflict):
    code = "idempotency_key_in_flight"
    message = "The first request with this Idempotency-Key is still running."
    retry_after_seconds = 1


@dataclass(frozen=True)
class Answer:
    """A rendered response; `replayed` when it was given before."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


@transactional
def answer_once(*, caller: str, key: str, digest: str, produce: Callable[[], Answer]) -> Answer:
    """Return what `produce` answers, or what it answered when the key was first used.

    Opens the transaction in which `produce` has its effect. An exception leaves no record, since
    nothing was changed: a request with the same key may try again. `digest` identifies the request
    (method, path and body). Raises KeyReused when the key was used for another request, KeyInFlight
    while the first is running.
    """
    record = _locked_record(caller, key)
    oldest = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    if record is not None and record.created_at < oldest:
        record.delete()
        record = None
    if record is not None:
        if record.digest != digest:
            raise KeyReused
        return Answer(record.status, bytes(record.body), record.headers, replayed=True)
    answer = produce()
    record = IdempotencyRecord(
        caller=caller,
        key=key,
        digest=digest,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        created_at=timezone.now(),
    )
    try:
        rows.insert(record)
    except IntegrityError as error:
        # It was committed after the statement began that looks for the record and takes the lock.
        raise KeyInFlight from error
    return answer


def _locked_record(caller: str, key: str) -> IdempotencyRecord | None:
    """Return the record of a key, which is held until the transaction ends.

    Raises KeyInFlight when another transaction holds it, and does not wait. SQLite needs no lock:
    it has one writer at a time, so the second request waits for the first and finds its record.
    """
    try:
        return locks.read_alone(IdempotencyRecord, caller=caller, key=key)
    except locks.HeldByAnother as error:
        raise KeyInFlight from error
