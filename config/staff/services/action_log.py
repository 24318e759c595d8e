"""Logs staff actions: who requested which action on which row, and its outcome."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from models_registry.db.transactions import transactional

OUTCOME_CHARACTERS = 2000


@transactional
def record_request(*, user_id: int, row: Model, label: str) -> LogEntry:
    """Log that a user requested an action on a row.

    This is committed before the action starts, so the log names the user even if the process
    dies during the action.
    """
    return LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=f"{label}: requested.",
    )


@transactional
def record_outcome(*, entry: LogEntry, outcome: str) -> None:
    """Record the outcome of an action in the entry that its request created."""
    LogEntry.objects.filter(pk=entry.pk).update(change_message=outcome[:OUTCOME_CHARACTERS])
