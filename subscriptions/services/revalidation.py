"""Checking stored payloads again after a contract changed, in the background."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models.functions import Now
from django.utils import timezone

from models_registry.models import Direction, InterfaceChange, Model
from subscriptions.models import Revalidation, RevalidationStatus

OPEN_RUN = (RevalidationStatus.PENDING, RevalidationStatus.RUNNING)


def start_revalidations(model: Model, changes: Sequence[InterfaceChange]) -> list[Revalidation]:
    """Record a run for each action whose input changed; must be inside the update's transaction.

    Runs over an older interface end as superseded. What is written does not depend on how many
    subscriptions there are.
    """
    inputs = [change for change in changes if change.direction == Direction.INPUT]
    if not inputs:
        return []
    Revalidation.objects.filter(
        model=model, action__in=[change.action for change in inputs], status__in=OPEN_RUN
    ).update(status=RevalidationStatus.SUPERSEDED, due_at=None, finished_at=Now())
    runs = [
        Revalidation(
            model=model,
            action=change.action,
            fingerprint=change.fingerprint,
            schema=change.definition if change.is_schema else None,
            version=change.version,
            due_at=Now(),
            created_at=timezone.now(),
        )
        for change in inputs
    ]
    Revalidation.objects.bulk_create(runs)
    return runs
