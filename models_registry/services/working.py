"""What one worker does with one message: the jobs it names, then whatever else is due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from models_registry import hints
from models_registry.models import Job
from models_registry.pauses import pauses
from models_registry.services.claiming import claim_callable_job, claim_due_job, claim_job
from models_registry.services.dispatch import call_handler, function_of

logger = logging.getLogger(__name__)

# After this time no further job is begun. A worker hears only between two messages that it is to
# stop, and must have ended this one within the ten seconds that it is given then
# (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT), however much waits for it.
WORK_SECONDS = 5.0
# Those of this process that will wake a worker, by the task that they ask for.
_timers: dict[str, threading.Timer] = {}


def work_through(job_ids: Iterable[str], *, waited_for: bool) -> bool:
    """Dispatch the jobs named, then others that are due, for at most five seconds.

    Must be outside a transaction. An id that is not one, or whose job is not due, is passed
    over. Returns True when time ran out, so that more may be due.
    """
    ends_at = time.monotonic() + WORK_SECONDS
    for job_id in job_ids:
        if time.monotonic() >= ends_at:
            return True
        if pauses:
            break  # the named are among those that are due, as far as they may be called
        _attempt(lambda job_id=job_id: claim_job(UUID(job_id)))  # type: ignore[misc]
    types = hints.job_types(waited_for=waited_for)
    while time.monotonic() < ends_at:
        if not _attempt(lambda: _claim_next(types)):
            _come_back(waited_for=waited_for)
            return False
    return True


def _claim_next(types: Sequence[str]) -> Job | None:
    """Claim the job that has been due longest, of those whose function is not left alone."""
    if not pauses:
        return claim_due_job(types)
    return claim_callable_job(
        types, lambda version, job_type: pauses.allow(function_of(version, job_type))
    )


def _come_back(*, waited_for: bool) -> None:
    """Have a worker woken when a function that is left alone may be tried again.

    The sweep would, but later. A timer holds nobody up meanwhile; one at a time is enough.
    """
    task = hints.DISPATCH_WAITING_CALLS if waited_for else hints.DISPATCH_EVENTS
    seconds = pauses.seconds_left()
    if seconds and task not in _timers:
        timer = _timers[task] = threading.Timer(seconds, _wake, [task])
        timer.daemon = True
        timer.start()


def _wake(task: str) -> None:
    _timers.pop(task, None)
    hints.publish(task, [])


def _attempt(claim: Callable[[], Job | None]) -> bool:
    """Dispatch the job that `claim` gets; False when there is none, or something went wrong.

    What goes wrong with one job must not stop the others: its row still says what is due, and
    the sweep brings it back.
    """
    try:
        job = claim()
        if job is not None:
            call_handler(job)
    except Exception:
        logger.exception("job.dispatch_failed")
        return False
    return job is not None
