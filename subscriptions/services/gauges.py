"""What the database says of subscriptions and revalidations, for metrics; each query is bounded."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.db.utils import OperationalError

from models_registry.db.transactions import limited
from subscriptions.models import (
    OPEN_RUN,
    EventSubscription,
    Revalidation,
    SubscriptionStatus,
)

# Stale ones are counted up to so many; what that may take on PostgreSQL, in milliseconds.
COUNT_LIMIT = 10_000
COUNT_MILLISECONDS = 2_000


class Progress(NamedTuple):
    """The revalidations that are under way, together."""

    runs: int
    total: int
    checked: int
    invalid: int


def stale_subscriptions() -> int | None:
    """Return how many subscriptions are stale, at most COUNT_LIMIT; None when it took too long."""
    stale = EventSubscription.objects.with_status().filter(
        Q(effective_status=SubscriptionStatus.STALE)
    )
    try:
        with limited(COUNT_MILLISECONDS):
            return len(stale.order_by().values("pk")[:COUNT_LIMIT])
    except OperationalError:
        return None


def revalidation_progress() -> Progress:
    """Return how far the open runs are; a run that has not counted yet adds 0 to the total."""
    open_runs = Revalidation.objects.filter(due_at__isnull=False, status__in=OPEN_RUN)
    sums = {name: Coalesce(Sum(name), 0) for name in ("total", "checked", "invalid")}
    return Progress(**open_runs.aggregate(runs=Count("pk"), **sums))
