"""Celery tasks of revalidations and reports: each makes one service call."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from subscriptions import wakeups
from subscriptions.impact import reports
from subscriptions.revalidation import runs


@shared_task
def revalidate(run_id: str) -> None:
    """Check stored payloads for a bounded time, and requeue what is left."""
    if runs.work_through(UUID(run_id)):
        wakeups.requeue(UUID(run_id))


@shared_task
def sweep_revalidations() -> None:
    """Wake workers for runs that no worker is at."""
    runs.sweep()


@shared_task
def fill_in_report(report_id: str) -> None:
    """Fill in the report on what an update does to subscribers."""
    reports.fill_in(UUID(report_id))


@shared_task
def sweep_reports() -> None:
    """Wake workers for reports that nobody has filled in."""
    reports.sweep()
