"""What one worker does with one message: the jobs it names, then whatever else is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from models_registry import hints
from models_registry.models import Job
from models_registry.services.dispatch import call_handler, claim_due_job, claim_job

logger = logging.getLogger(__name__)

# After this time no further job is begun, so that a message is done (a waited-for call of at
# most two minutes included) before the broker takes its worker for dead and sends it again.
WORK_SECONDS = 20.0


def work_through(job_ids: Iterable[str], *, waited_for: bool) -> bool:
    """Dispatch the jobs named, then others that are due, for at most twenty seconds.

    Must be outside a transaction. An id that is not one, or whose job is not due, is passed
    over. Returns True when time ran out, so that more may be due.
    """
    ends_at = time.monotonic() + WORK_SECONDS
    for job_id in job_ids:
        if time.monotonic() >= ends_at:
            return True
        _attempt(lambda job_id=job_id: claim_job(UUID(job_id)))  # type: ignore[misc]
    types = hints.job_types(waited_for=waited_for)
    while time.monotonic() < ends_at:
        if not _attempt(lambda: claim_due_job(types)):
            return False
    return True


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
