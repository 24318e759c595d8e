"""What one worker does with one message: the jobs it names, then whatever else is due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

from models_registry.models import Job
from models_registry.queue import wakeups
from models_registry.queue.circuit_breaker import function_breakers
from models_registry.queue.claim import claim_callable_job, claim_due_job, claim_job
from models_registry.queue.dispatch import call_handler, function_of
from models_registry.queue.due_jobs import callable_jobs

logger = logging.getLogger(__name__)

# After this time no further job is begun. A worker hears only between two messages that it is to
# stop, and must have ended this one within the ten seconds that it is given then
# (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT), however much waits for it.
WORK_SECONDS = 5.0
# Those of this process that will wake a worker, by the task that they ask for.
_timers: dict[str, threading.Timer] = {}


def work_through(job_ids: Iterable[str], *, synchronous: bool) -> bool:
    """Dispatch the jobs named, then others that are due, for at most five seconds.

    Must be outside a transaction. An id that is not one, or whose job is not due or may not be
    called now, is passed over. Returns True when time ran out, so that more may be due.
    """
    ends_at = time.monotonic() + WORK_SECONDS
    _call_named(job_ids, ends_at)
    types = wakeups.job_types(synchronous=synchronous)
    while time.monotonic() < ends_at:
        if not _attempt(lambda: _call_next(types, ends_at)):
            _come_back(synchronous=synchronous)
            return False
    return True


def _call_named(job_ids: Iterable[str], ends_at: float) -> bool:
    """Dispatch those of these jobs that can be claimed, and say whether to go on with others.

    Not when there was none: whoever claimed them all goes on.
    """
    any_called = False
    for job_id in job_ids:
        if time.monotonic() >= ends_at:
            return True
        any_called |= _attempt(lambda job_id=job_id: _call(_claim_named(UUID(job_id))))  # type: ignore[misc]
    return any_called


def _call_next(types: Sequence[str], ends_at: float) -> bool:
    """Dispatch the job that has been due longest, or some while functions are left alone."""
    if not function_breakers:
        return _call(claim_due_job(types))
    return _call_named(_found(types), ends_at)


def _found(types: Sequence[str]) -> Iterator[str]:
    """Search for jobs whose function may be called, and yield those for which that is still so.

    Of a function that is to be tried again many may be found, and the first is the trial.
    """
    for job_id, function in callable_jobs(types, function_breakers.left_alone()):
        if function not in function_breakers.left_alone():
            yield job_id


def _claim_named(job_id: UUID) -> Job | None:
    """Claim a job, unless its function is left alone."""
    if not function_breakers:
        return claim_job(job_id)
    return claim_callable_job(
        job_id, lambda version, job_type: function_breakers.allow(function_of(version, job_type))
    )


def _come_back(*, synchronous: bool) -> None:
    """Have a worker woken when a function that is left alone may be tried again.

    The sweep would, but later. A timer holds nobody up meanwhile; one at a time is enough.
    """
    task = wakeups.DISPATCH_WAITING_CALLS if synchronous else wakeups.DISPATCH_EVENTS
    seconds = function_breakers.seconds_left()
    if seconds and task not in _timers:
        timer = _timers[task] = threading.Timer(seconds, _wake, [task])
        timer.daemon = True
        timer.start()


def _wake(task: str) -> None:
    _timers.pop(task, None)
    wakeups.publish(task, [])


def _call(job: Job | None) -> bool:
    if job is not None:
        call_handler(job)
    return job is not None


def _attempt(work: Callable[[], bool]) -> bool:
    """Return what `work` returns, or False when something went wrong.

    What goes wrong with one job must not stop the others: its row still says what is due, and
    the sweep brings it back.
    """
    try:
        return work()
    except Exception:
        logger.exception("job.dispatch_failed")
        return False
