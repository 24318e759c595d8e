"""What the workers run: each task makes one service call, and its arguments are ids."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

from models_registry.services import dispatch, recovery

logger = logging.getLogger(__name__)


@shared_task
def dispatch_events(job_ids: list[str]) -> None:
    """Call the handlers of jobs that are answered by a callback; each call is short."""
    for job_id in job_ids:
        _dispatch_one(job_id)


@shared_task
def dispatch_waiting_calls(job_ids: list[str]) -> None:
    """Call the handlers of jobs whose answer is waited for; on a queue of its own."""
    for job_id in job_ids:
        _dispatch_one(job_id)


@shared_task
def sweep() -> None:
    """Put right what was left behind."""
    recovery.sweep()
    recovery.forget_old_answers()


def _dispatch_one(job_id: str) -> None:
    """Dispatch one job; whatever goes wrong with it must not stop the others of its batch."""
    try:
        dispatch.dispatch_job(UUID(job_id))
    except Exception:
        # The row still says what is due; the sweep brings it back.
        logger.exception("job.dispatch_failed job=%.64s", job_id)
