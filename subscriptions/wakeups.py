"""Waking workers after an update. A lost hint costs time only: the sweep finds its row."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from models_registry.queue.wakeups import publish, publisher

# By name, so that whoever asks for work need not import what does it.
REVALIDATE = "subscriptions.tasks.revalidate"
FILL_IN_REPORT = "subscriptions.tasks.fill_in_report"


def wake_revalidators(run_id: UUID) -> None:
    """Ask a worker to begin with a run once the present transaction is committed."""

    def send() -> None:
        send_hint(run_id)

    transaction.on_commit(send, robust=True)


def send_hint(run_id: UUID) -> None:
    """Have a message for a run published soon; must be outside a transaction. Never raises."""
    publisher.hand_over(REVALIDATE, [run_id])


def hand_on(run_id: UUID) -> bool:
    """Publish a message for the rest of a run before a worker lets go of its own.

    Must be outside a transaction. Never raises; says if it went.
    """
    return publish(REVALIDATE, str(run_id))


def wake_reporter(report_id: UUID) -> None:
    """Ask a worker to fill in a report once the present transaction is committed."""

    def send() -> None:
        send_report_hint(report_id)

    transaction.on_commit(send, robust=True)


def send_report_hint(report_id: UUID) -> None:
    """Have a message for a report published soon; must be outside a transaction. Never raises."""
    publisher.hand_over(FILL_IN_REPORT, [report_id])
