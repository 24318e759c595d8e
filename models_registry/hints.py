"""Waking workers after a commit. A hint may be lost: the sweep finds whatever it did not reach."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from celery import Task
from django.conf import settings
from django.db import transaction

from models_registry.models import Action

logger = logging.getLogger(__name__)

# Events are called in batches; an answer that is waited for takes a worker of its own.
EVENT_BATCH = 20
# However many jobs one event makes, this many messages wake the workers for them: whoever has
# done what its message names goes on with whatever else is due.
MESSAGES_AT_MOST = 20
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

    def send() -> None:
        send_hints(job_type, job_ids)

    transaction.on_commit(send, robust=True)


def send_hints(job_type: str, job_ids: Sequence[UUID]) -> None:
    """Publish messages for these jobs; must be outside a transaction. Never raises."""
    from models_registry import tasks

    waits = is_waited_for(job_type)
    task = tasks.dispatch_waiting_calls if waits else tasks.dispatch_events
    size = 1 if waits else EVENT_BATCH
    starts = range(0, len(job_ids), size)
    for start in islice(starts, MESSAGES_AT_MOST):
        if not publish(task, [str(job_id) for job_id in job_ids[start : start + size]]):
            return


def publish(task: Task[Any, Any], *args: Any) -> bool:
    """Send one message, unless the broker has been failing. Never raises; says if it went."""
    if not breaker.allows():
        return False
    try:
        task.apply_async(args=args)
    except Exception as error:  # whatever the broker's client raises: the row is the truth
        breaker.record(success=False)
        logger.warning("hint.not_sent task=%s: %s", task.name, type(error).__name__)
        return False
    breaker.record(success=True)
    return True


def is_waited_for(job_type: str) -> bool:
    """Say whether the answer of such jobs comes back with the call, not by a callback."""
    return bool(settings.LAMBDA_INVOCATION_TYPES[job_type] == "RequestResponse")


def job_types(*, waited_for: bool) -> list[str]:
    """Return the types of jobs whose answer is waited for, or those whose isn't."""
    return [action for action in Action.values if is_waited_for(action) == waited_for]
