"""Runs of revalidation as the tests look at them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from subscriptions.models import EventSubscription, Revalidation, RevalidationChunk
from subscriptions.revalidation import runs

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}
NEEDS_Y = {"inference": {"input_schema": {"required": ["y"]}}}
MISSING_X = ['input: required: the property "x" is missing']


def latest_run(**filters: Any) -> Revalidation:
    """Return the newest run of these."""
    return Revalidation.objects.filter(**filters).latest("pk")


def worked_off() -> Revalidation:
    """Work through the newest run and return how it ended."""
    runs.work_through(latest_run().pk)
    return latest_run()


def counts_of(run: Revalidation) -> tuple[str, int | None, int, int]:
    """Return how far a run is: status, total, checked, invalid."""
    return run.status, run.total, run.checked, run.invalid


def warnings_of(subscription: EventSubscription) -> Any:
    """Return the warnings that are stored with a subscription now."""
    found = EventSubscription.objects.get(pk=subscription.pk)
    assert found.has_warnings == bool(found.warnings)
    return found.warnings


def lapse() -> None:
    """Let the leases of all chunks end, as if their workers had died."""
    RevalidationChunk.objects.update(lease_until=Now() - timedelta(seconds=1))
