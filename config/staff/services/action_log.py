"""Keeping what staff did: who asked for what, and what came of it."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from models_registry.db.transactions import transactional

OUTCOME_CHARACTERS = 2000


@transactional
def record_request(*, user_id: int, row: Model, label: str) -> LogEntry:
    """Keep that somebody asked for an action on a row.

    Done first and by itself, so that nothing happens of which it isn't known who asked for it,
    whatever becomes of this process.
    """
    return LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=f"{label}: asked for.",
    )


@transactional
def record_outcome(*, entry: LogEntry, outcome: str) -> None:
    """Keep what came of an action in the entry that was made when it was asked for."""
    LogEntry.objects.filter(pk=entry.pk).update(change_message=outcome[:OUTCOME_CHARACTERS])
