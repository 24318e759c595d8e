"""Idempotency-Key: the first answer to a request, kept in the transaction of its effect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from models_registry.errors import Conflict, Unprocessable
from models_registry.models import IdempotencyRecord
from models_registry.services.transactions import transactional


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

    Opens the transaction in which `produce` has its effect. What raises leaves no record, since
    it changed nothing: the same key may try again. `digest` tells requests apart (method, path
    and body). Raises KeyReused when the key stands for another request, KeyInFlight while the
    first is running.
    """
    _lock_key(caller, key)
    record = IdempotencyRecord.objects.filter(caller=caller, key=key).first()
    oldest = timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    if record is not None and record.created_at < oldest:
        record.delete()
        record = None
    if record is not None:
        if record.digest != digest:
            raise KeyReused
        return Answer(record.status, bytes(record.body), record.headers, replayed=True)
    answer = produce()
    IdempotencyRecord.objects.create(
        caller=caller,
        key=key,
        digest=digest,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        created_at=timezone.now(),
    )
    return answer


def _lock_key(caller: str, key: str) -> None:
    """Hold the key until the transaction ends, without waiting for whoever holds it.

    SQLite needs no lock: its one writer at a time means that a first request which is still
    running has the second wait, and then be answered by the record.
    """
    if connection.vendor != "postgresql":
        return
    digest = hashlib.sha256(f"{caller}\0{key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (locked,) = cursor.fetchone()
    if not locked:
        raise KeyInFlight
