"""What the workers run: each task makes one service call, and its arguments are ids."""

from __future__ import annotations

from celery import shared_task

from models_registry.observability import heartbeats
from models_registry.queue import sweeper, wakeups, worker
from models_registry.services import retention


@shared_task
def dispatch_events(job_ids: list[str]) -> None:
    """Call the handlers of jobs that are answered by a callback; each call is short."""
    if worker.work_through(job_ids, synchronous=False):
        wakeups.publish(wakeups.DISPATCH_EVENTS, [])


@shared_task
def dispatch_waiting_calls(job_ids: list[str]) -> None:
    """Call the handlers of jobs whose answer is waited for; on a queue of its own."""
    if worker.work_through(job_ids, synchronous=True):
        wakeups.publish(wakeups.DISPATCH_WAITING_CALLS, [])


@shared_task
def sweep() -> None:
    """Put right what was left behind."""
    sweeper.sweep()
    heartbeats.beat_of_sweep()


@shared_task
def prune() -> None:
    """Delete what is too old, for a bounded time, and hand on what is left."""
    if not retention.prune().is_done:
        wakeups.publish(prune.name)
