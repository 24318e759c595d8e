"""Waking workers after a commit. A hint may be lost: the sweep finds whatever it did not reach."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

# One message carries at most this many jobs, so that a worker is done with it well before the
# claim of the last one, or the message itself, lapses.
EVENT_BATCH = 20
# After this many failures in a row, nothing is published for a while: a broker that is away
# must not cost every request its time-out.
FAILURES_BEFORE_PAUSE = 3
PAUSE_SECONDS = 10.0


class _Breaker:
    """Counts failures to publish and says when not to try."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again_at = 0.0

    def allows(self) -> bool:
        return time.monotonic() >= self._closed_again_at

    def record(self, *, success: bool) -> None:
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures >= FAILURES_BEFORE_PAUSE:
                self._closed_again_at = time.monotonic() + PAUSE_SECONDS


breaker = _Breaker()


def wake_workers(job_type: str, job_ids: Sequence[UUID]) -> None:
    """Ask the workers to dispatch these jobs once the present transaction is committed."""

    def publish() -> None:
        send_hints(job_type, job_ids)

    transaction.on_commit(publish, robust=True)


def send_hints(job_type: str, job_ids: Sequence[UUID]) -> None:
    """Publish messages for these jobs; must be outside a transaction. Never raises."""
    from models_registry import tasks

    waits = settings.LAMBDA_INVOCATION_TYPES[job_type] == "RequestResponse"
    task = tasks.dispatch_waiting_calls if waits else tasks.dispatch_events
    for batch in _batches(job_ids, 1 if waits else EVENT_BATCH):
        if not breaker.allows():
            return
        try:
            task.apply_async(args=[[str(job_id) for job_id in batch]])
        except Exception as error:  # whatever the broker's client raises: the row is the truth
            breaker.record(success=False)
            logger.warning("job.hint_not_sent %s jobs: %s", len(batch), type(error).__name__)
        else:
            breaker.record(success=True)


def _batches(job_ids: Sequence[UUID], size: int) -> Iterable[Sequence[UUID]]:
    return (job_ids[start : start + size] for start in range(0, len(job_ids), size))
