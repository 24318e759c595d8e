"""What the workers run: each task makes one service call, and its arguments are ids."""

from __future__ import annotations

from celery import shared_task

from models_registry import hints
from models_registry.services import heartbeats, recovery, retention, working


@shared_task
def dispatch_events(job_ids: list[str]) -> None:
    """Call the handlers of jobs that are answered by a callback; each call is short."""
    if working.work_through(job_ids, waited_for=False):
        hints.publish(hints.DISPATCH_EVENTS, [])


@shared_task
def dispatch_waiting_calls(job_ids: list[str]) -> None:
    """Call the handlers of jobs whose answer is waited for; on a queue of its own."""
    if working.work_through(job_ids, waited_for=True):
        hints.publish(hints.DISPATCH_WAITING_CALLS, [])


@shared_task
def sweep() -> None:
    """Put right what was left behind."""
    recovery.sweep()
    heartbeats.beat_of_sweep()


@shared_task
def prune() -> None:
    """Delete what is too old, for a bounded time, and hand on what is left."""
    if not retention.prune().is_done:
        hints.publish(prune.name)
