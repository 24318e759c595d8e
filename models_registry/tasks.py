"""The Celery tasks: each makes one service call, and its arguments are ids."""

from __future__ import annotations

from celery import shared_task

from models_registry.observability import heartbeats
from models_registry.queue import sweeper, wakeups, worker
from models_registry.services import retention


@shared_task
def dispatch_events(job_ids: list[str]) -> None:
    """Call the handlers of jobs that are answered by a callback; each call is short."""
    if worker.work_through(job_ids, synchronous=False):
        wakeups.publish(dispatch_events.name, [])


@shared_task
def dispatch_waiting_calls(job_ids: list[str]) -> None:
    """Call the handlers of jobs whose calls are synchronous; on a queue of its own."""
    if worker.work_through(job_ids, synchronous=True):
        wakeups.publish(dispatch_waiting_calls.name, [])


@shared_task
def sweep() -> None:
    """Find and repair what lost messages and dead workers left behind."""
    sweeper.sweep()
    heartbeats.beat_of_sweep()


@shared_task
def prune() -> None:
    """Delete what is too old, for a bounded time, and hand on the rest."""
    if not retention.prune().is_done:
        wakeups.publish(prune.name)
