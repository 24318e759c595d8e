"""Waking workers for revalidations and reports. A wake-up may be lost: the sweep finds its row."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from models_registry.queue.wakeups import WakeUp, publish, publisher

# Tasks by name, so that a caller need not import what they run.
REVALIDATE = WakeUp("subscriptions.tasks.revalidate")
FILL_IN_REPORT = WakeUp("subscriptions.tasks.fill_in_report")


def wake_revalidators(run_id: UUID) -> None:
    """Wake a worker for a run once the present transaction is committed."""

    def send() -> None:
        publish_run_wakeup(run_id)

    transaction.on_commit(send, robust=True)


def publish_run_wakeup(run_id: UUID) -> None:
    """Have a message for a run published soon; must be outside a transaction. Never raises."""
    publisher.hand_over(REVALIDATE, [run_id])


def requeue(run_id: UUID) -> bool:
    """Publish a message for the rest of a run before the worker acknowledges its own message.

    Must be outside a transaction. Never raises; returns whether it was sent.
    """
    return publish(REVALIDATE.task, str(run_id))


def wake_reporter(report_id: UUID) -> None:
    """Wake a worker for a report once the present transaction is committed."""

    def send() -> None:
        publish_report_wakeup(report_id)

    transaction.on_commit(send, robust=True)


def publish_report_wakeup(report_id: UUID) -> None:
    """Have a message for a report published soon; must be outside a transaction. Never raises."""
    publisher.hand_over(FILL_IN_REPORT, [report_id])
