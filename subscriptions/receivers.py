"""Signal receivers of the registry's facts: they only write rows, in the fact's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.dispatch import receiver

from models_registry import signals
from models_registry.models import (
    Action,
    InterfaceChange,
    Job,
    JobStatus,
    Model,
    ModelVersion,
)
from models_registry.services.retention import KINDS, Kind, job_age
from models_registry.services.versions import TriggeredEvent
from subscriptions.impact.reports import start_report
from subscriptions.models import Trigger, TriggerEvent
from subscriptions.revalidation.runs import start_revalidations
from subscriptions.services.firing import Fact, fire
from subscriptions.services.subscribing import remember_input


@receiver(signals.version_activated)
def fire_training_complete(
    version: ModelVersion, job: Job | None, **_: Any
) -> list[TriggeredEvent]:
    """Fire `training_complete`; an activation by hand passes on the output of the last training."""
    name = f"job:{job.pk}" if job else f"activation:{version.pk}:{version.activations}"
    if job is None:
        trained = Job.objects.filter(
            version=version, job_type=Action.TRAINING, status=JobStatus.SUCCESS
        )
        job = trained.order_by("-completed_at").first()
    return fire(Fact(name, version.model_id, TriggerEvent.TRAINING_COMPLETE, job))


@receiver(signals.job_completed)
def fire_inference_complete(job: Job, **_: Any) -> list[TriggeredEvent]:
    """Fire `inference_complete`."""
    return fire(Fact(f"job:{job.pk}", job.model_id, TriggerEvent.INFERENCE_COMPLETE, job))


@receiver(signals.inference_requested)
def remember_for_replay(job: Job, version: ModelVersion, remember: bool, **_: Any) -> None:
    """Store the input as a subscription of the model to itself, if the request asked for that."""
    if remember:
        remember_input(version, job.input)


@receiver(signals.interface_changed)
def revalidate_stored_payloads(model: Model, changes: Sequence[InterfaceChange], **_: Any) -> None:
    """Start a revalidation for each action whose input interface changed."""
    start_revalidations(model, changes)


@receiver(signals.interface_changed)
def report_on_update(model: Model, changes: Sequence[InterfaceChange], **_: Any) -> None:
    """Start the report on what the update does to subscribers."""
    start_report(model, changes)


def _old_triggers(before: datetime) -> QuerySet[Trigger]:
    """Return the triggers before a time, except those whose job has not ended.

    A job is younger than its trigger, so the trigger of a deleted job was deleted before it.
    """
    has_ended = Q(job=None) | Q(job__due_at=None)
    return Trigger.objects.filter(has_ended, created_at__lt=before)


# The retention of triggers is that of the jobs they name.
KINDS.append(Kind("triggers", job_age, _old_triggers))
