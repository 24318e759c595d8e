"""Waking workers for revalidation. A lost hint costs time only: the sweep finds its run."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from models_registry.hints import publish


def wake_revalidators(run_id: UUID) -> None:
    """Ask a worker to begin with a run once the present transaction is committed."""

    def send() -> None:
        send_hint(run_id)

    transaction.on_commit(send, robust=True)


def send_hint(run_id: UUID) -> bool:
    """Publish a message for a run; must be outside a transaction. Never raises; says if it went."""
    from subscriptions import tasks

    return publish(tasks.revalidate, str(run_id))
