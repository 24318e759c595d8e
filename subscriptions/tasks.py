"""What the workers run in the background: each task makes one service call."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from subscriptions import wakeups
from subscriptions.impact import reports
from subscriptions.revalidation import runs


@shared_task
def revalidate(run_id: str) -> None:
    """Check stored payloads for a bounded time, and hand on what is left."""
    if runs.work_through(UUID(run_id)):
        wakeups.hand_on(UUID(run_id))


@shared_task
def sweep_revalidations() -> None:
    """Wake workers for runs that were left behind."""
    runs.sweep()


@shared_task
def fill_in_report(report_id: str) -> None:
    """Find out what an update did to others."""
    reports.fill_in(UUID(report_id))


@shared_task
def sweep_reports() -> None:
    """Wake workers for reports that were left behind."""
    reports.sweep()
