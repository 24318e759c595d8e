"""The tables of event subscriptions and their triggers."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When

from models_registry.db.json_field import JSONTextField
from models_registry.models import Action, Job, Model, new_id
from subscriptions.impact.models import ReportStatus, UpdateReport
from subscriptions.revalidation.models import (
    OPEN_RUN,
    Revalidation,
    RevalidationChunk,
    RevalidationStatus,
)

__all__ = [
    "OPEN_RUN",
    "EventSubscription",
    "EventSubscriptionQuerySet",
    "InputSource",
    "ReportStatus",
    "Revalidation",
    "RevalidationChunk",
    "RevalidationStatus",
    "SubscriptionStatus",
    "Trigger",
    "TriggerEvent",
    "UpdateReport",
]

# The longest chain of jobs that trigger each other, should a loop not be detected.
DEPTH_LIMIT = 32


class TriggerEvent(models.TextChoices):
    """The event of the source model that fires a subscription."""

    TRAINING_COMPLETE = "training_complete"
    INFERENCE_COMPLETE = "inference_complete"

    @property
    def action(self) -> Action:
        """The action of the source whose end is the event."""
        return _ACTIONS[self]


_ACTIONS = {
    TriggerEvent.TRAINING_COMPLETE: Action.TRAINING,
    TriggerEvent.INFERENCE_COMPLETE: Action.INFERENCE,
}


class InputSource(models.TextChoices):
    """Where the input of the triggered job comes from."""

    STORED = "stored"
    TRIGGER_OUTPUT = "trigger_output"


class SubscriptionStatus(models.TextChoices):
    """The status that is set, and the effective one.

    `state` is the status that was set: active, paused, or stale by hand. The effective status is
    also stale while an interface differs from the accepted one. It is derived when read and never
    written, so an update costs the same for one subscriber and for a million.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    STALE = "stale"


def _target_interface_differs() -> Q:
    return Q(
        Q(target_action=Action.TRAINING)
        & ~Q(accepted_target_fingerprint=F("target__training_input_fingerprint"))
    ) | Q(
        Q(target_action=Action.INFERENCE)
        & ~Q(accepted_target_fingerprint=F("target__inference_input_fingerprint"))
    )


def _source_interface_differs() -> Q:
    training = Q(trigger_event=TriggerEvent.TRAINING_COMPLETE) & ~Q(
        accepted_source_fingerprint=F("source__training_output_fingerprint")
    )
    inference = Q(trigger_event=TriggerEvent.INFERENCE_COMPLETE) & ~Q(
        accepted_source_fingerprint=F("source__inference_output_fingerprint")
    )
    return Q(input_source=InputSource.TRIGGER_OUTPUT) & (training | inference)


class EventSubscriptionQuerySet(models.QuerySet["EventSubscription"]):
    """Subscriptions with their effective status."""

    def with_status(self) -> EventSubscriptionQuerySet:
        """Add `target_differs`, `source_differs` and `effective_status`."""
        return self.annotate(  # type: ignore[no-redef]
            target_differs=Case(
                When(_target_interface_differs(), then=Value(True)), default=Value(False)
            ),
            source_differs=Case(
                When(_source_interface_differs(), then=Value(True)), default=Value(False)
            ),
            effective_status=Case(
                When(
                    Q(target_differs=True) | Q(source_differs=True),
                    then=Value(SubscriptionStatus.STALE.value),
                ),
                default=F("state"),
                output_field=CharField(),
            ),
        )


class EventSubscription(models.Model):
    """When `trigger_event` happens to `source`, run `target_action` of `target`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # No index of their own, here and elsewhere: indexes below begin with these columns.
    source = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+", db_index=False)
    target = models.ForeignKey(Model, on_delete=models.RESTRICT, related_name="+", db_index=False)
    trigger_event = models.CharField(max_length=18, choices=TriggerEvent.choices)
    target_action = models.CharField(max_length=9, choices=Action.choices)
    input_source = models.CharField(max_length=14, choices=InputSource.choices)
    # None for trigger_output.
    input = JSONTextField(null=True)
    # Size of `input` as JSON, to find an event that is too large without reading it.
    input_bytes = models.PositiveIntegerField(default=0)
    label = models.CharField(max_length=200, null=True)  # noqa: DJ001 (null is owed)
    state = models.CharField(
        max_length=6, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE
    )
    # The accepted interfaces: the target's input and, for trigger_output, the source's output
    # ("" otherwise).
    accepted_target_fingerprint = models.CharField(max_length=64)
    accepted_source_fingerprint = models.CharField(max_length=64, default="", blank=True)
    accepted_at = models.DateTimeField()
    # Why the stored payload does not fit the target's present contract; at most 20 lines.
    warnings = JSONTextField(default=list)
    has_warnings = models.BooleanField(default=False)
    # Set if `subscribe: true` made it: one per model and distinct input.
    replay_digest = models.CharField(max_length=64, null=True)  # noqa: DJ001 (unique unless null)
    # Incremented when a caller changes the payload or the warnings (optimistic locking): a
    # revalidation writes, and an event fires, only if it is unchanged since the row was read.
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = EventSubscriptionQuerySet.as_manager()

    # What `with_status()` adds.
    target_differs: bool
    source_differs: bool
    effective_status: str

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "replay_digest"], name="replay_once"),
            models.CheckConstraint(
                condition=Q(state__in=SubscriptionStatus.values), name="subscription_state_known"
            ),
            models.CheckConstraint(
                condition=Q(input_source="stored", input__isnull=False)
                | Q(input_source="trigger_output", input__isnull=True),
                name="stored_has_input",
            ),
        ]
        indexes = [
            models.Index(fields=["source", "id"], name="subscription_by_source"),
            models.Index(fields=["target", "id"], name="subscription_by_target"),
            # Firing, and loop detection.
            models.Index(
                fields=["source", "trigger_event", "target", "target_action"],
                name="subscription_fires",
                condition=Q(state="active"),
            ),
            # Revalidation, by keyset pagination.
            models.Index(
                fields=["target", "target_action", "id"],
                name="subscription_payloads",
                condition=Q(input_source="stored"),
            ),
            # Subscriptions whose accepted interface is not the present one: a range.
            models.Index(
                fields=["target", "target_action", "accepted_target_fingerprint"],
                name="subscription_target_accepted",
            ),
            models.Index(
                fields=["source", "trigger_event", "accepted_source_fingerprint"],
                name="subscription_source_accepted",
                condition=Q(input_source="trigger_output"),
            ),
            # Paused, or stale by hand; newest first.
            models.Index(
                fields=["state", "-id"],
                name="subscription_not_active",
                condition=Q(state__in=("paused", "stale")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.trigger_event} -> {self.target_id} {self.target_action}"

    @property
    def event_action(self) -> Action:
        """The action of the source whose completion is the event."""
        return TriggerEvent(self.trigger_event).action


class Trigger(models.Model):
    """One event that fired one subscription, with its job or the error.

    `event` is "job:<id>" for a completed job and "activation:<version>:<count>" for an activation
    by hand. It is unique with the subscription, so nothing fires twice.
    """

    subscription = models.ForeignKey(
        EventSubscription, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    event = models.CharField(max_length=80)
    source_job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "event"], name="fires_once"),
        ]
        indexes = [models.Index(fields=["subscription", "-id"], name="trigger_history")]

    def __str__(self) -> str:
        return f"{self.subscription_id} {self.event}"
