"""Making versions and moving them between their states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypedDict

from django.utils import timezone

from models_registry import signals
from models_registry.errors import Conflict
from models_registry.models import (
    VERSION_TRANSITIONS,
    Job,
    Model,
    ModelStatus,
    ModelVersion,
    VersionStatus,
)
from models_registry.services.lookups import get_version, lock_model
from models_registry.services.transactions import transactional

# How many strings that may be taken by hand are looked at in one query.
AUTOMATIC_CHUNK = 100


class TriggeredEvent(TypedDict, total=False):
    """What one listener made of an event: a job, or the reason why there is none."""

    subscription_id: str
    job_id: str
    error: str


@dataclass(frozen=True)
class StatusChange:
    """The outcome of setting a status; `triggered_events` is what an activation set off."""

    model: Model
    version: ModelVersion
    triggered_events: list[TriggeredEvent]


class VersionTaken(Conflict):
    code = "version_taken"
    message = "The model has a version of this name already."


class TransitionForbidden(Conflict):
    code = "transition_forbidden"

    def __init__(self, present: str, wanted: str) -> None:
        super().__init__(f"A version can't go from '{present}' to '{wanted}'.")


@transactional
def create_version(
    *, model_id: str, version: str, description: str, metadata: dict[str, Any]
) -> tuple[Model, ModelVersion]:
    """Make a pending version named by hand, freezing the model's present handlers and contracts.

    Opens a transaction. Raises ModelNotFound, VersionTaken. Nothing is dispatched.
    """
    model = lock_model(model_id)
    if ModelVersion.objects.filter(model=model, version=version).exists():
        raise VersionTaken
    made = insert_version(model, version, description=description, metadata=metadata)
    model.revision += 1
    model.updated_at = made.created_at
    model.save(update_fields=["last_number", "revision", "updated_at"])
    return model, made


@transactional
def set_version_status(*, model_id: str, version: str, status: str) -> StatusChange:
    """Move a version by hand to `status`; opens a transaction.

    The present status again changes nothing, except that `active` for a version that is not the
    current one makes it current: the rollback. training -> active announces
    `version_activated`. Raises ModelNotFound, VersionNotFound, TransitionForbidden.
    """
    model = lock_model(model_id)
    found = lock_version(get_version(model_id, version).pk)
    found.model = model
    present = found.status
    if status == present:
        if status == VersionStatus.ACTIVE and model.current_version_id != found.pk:
            activate_version(model, found)
        return StatusChange(model, found, [])
    if status not in VERSION_TRANSITIONS[present]:
        raise TransitionForbidden(present, status)
    if status == VersionStatus.ACTIVE:
        activate_version(model, found)
        fires = present == VersionStatus.TRAINING
        return StatusChange(model, found, announce_activation(found, job=None) if fires else [])
    move_version(model, found, status)
    return StatusChange(model, found, [])


def lock_version(version_id: int) -> ModelVersion:
    """Lock a version's row; must be inside a transaction that holds its model's row."""
    return ModelVersion.objects.select_for_update(no_key=True).get(pk=version_id)


def insert_version(
    model: Model, version: str, *, description: str, metadata: dict[str, Any]
) -> ModelVersion:
    """Insert the next version of a locked model; must be inside a transaction.

    Counts `model.last_number` up, which the caller saves.
    """
    model.last_number += 1
    return ModelVersion.objects.create(
        model=model,
        number=model.last_number,
        version=version,
        description=description,
        metadata=metadata,
        handlers=model.handlers,
        handler_contracts=model.handler_contracts,
        created_at=timezone.now(),
    )


def next_automatic_version(model: Model) -> str:
    """Return the next of 1, 2, 3 ... that no version of a locked model bears.

    Counts `model.last_automatic` up, which the caller saves, so that each string taken by hand
    is passed over only once.
    """
    while True:
        first = model.last_automatic + 1
        candidates = [str(number) for number in range(first, first + AUTOMATIC_CHUNK)]
        taken = set(
            ModelVersion.objects.filter(model=model, version__in=candidates).values_list(
                "version", flat=True
            )
        )
        free = next((candidate for candidate in candidates if candidate not in taken), None)
        model.last_automatic = int(free or candidates[-1])
        if free is not None:
            return free


def activate_version(model: Model, version: ModelVersion) -> None:
    """Make `version` active and its locked model's current one; must be inside a transaction."""
    now = timezone.now()
    version.status = VersionStatus.ACTIVE
    version.activated_at = now
    version.activations += 1
    version.revision += 1
    version.save(update_fields=["status", "activated_at", "activations", "revision"])
    model.current_version = version
    model.status = ModelStatus.ACTIVE
    model.revision += 1
    model.updated_at = now
    model.save(update_fields=["current_version", "status", "revision", "updated_at"])


def move_version(model: Model, version: ModelVersion, status: str) -> None:
    """Move a version to a status other than active; must be inside a transaction.

    When the current version of a locked model is withdrawn, the one activated last among those
    still active takes its place.
    """
    version.status = status
    version.revision += 1
    version.save(update_fields=["status", "revision"])
    if model.current_version_id == version.pk:
        model.current_version = (
            ModelVersion.objects.filter(model=model, status=VersionStatus.ACTIVE)
            .order_by("-activated_at", "-number")
            .first()
        )
        model.updated_at = timezone.now()
        model.save(update_fields=["current_version", "updated_at"])


def triggered(answers: Iterable[tuple[Any, Any]]) -> list[TriggeredEvent]:
    """Return what the listeners of a fact say that they triggered, from `send()`'s answer."""
    return [event for _, events in answers for event in events or []]


def announce_activation(version: ModelVersion, *, job: Job | None) -> list[TriggeredEvent]:
    """Announce `version_activated` and return what its listeners triggered."""
    answers = signals.version_activated.send(ModelVersion, version=version, job=job)
    return triggered(answers)
