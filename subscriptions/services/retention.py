"""How long the record of what subscriptions triggered is kept: as long as the jobs it names."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from models_registry.services.retention import KINDS, Kind, job_age
from subscriptions.models import Trigger


def _old_triggers(before: datetime) -> QuerySet[Trigger]:
    """Return the triggers before a time, except those whose job has not ended.

    A job is younger than its trigger, so a job that is deleted had its trigger deleted before.
    """
    has_ended = Q(job=None) | Q(job__due_at=None)
    return Trigger.objects.filter(has_ended, created_at__lt=before)


KINDS.append(Kind("triggers", job_age, _old_triggers))
