"""Create versions and move them between their states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from django.utils import timezone

from models_registry import signals
from models_registry.db import rows
from models_registry.db.transactions import transactional
from models_registry.errors import Conflict
from models_registry.json_types import UUIDText
from models_registry.models import (
    VERSION_TRANSITIONS,
    Job,
    Model,
    ModelStatus,
    ModelVersion,
    VersionStatus,
)
from models_registry.observability.audit_log import AuditAction
from models_registry.services.audit import record
from models_registry.services.lookups import get_version, lock_model

# How many version strings one query looks up, since callers may have used them by hand.
AUTOMATIC_CHUNK = 100


class TriggeredEvent(TypedDict):
    """What a subscription made of an event: a job, or the reason why there is none."""

    subscription_id: UUIDText
    job_id: NotRequired[UUIDText]
    error: NotRequired[str]


@dataclass(frozen=True)
class StatusChange:
    """The outcome of setting a status; `triggered_events` is what an activation triggered."""

    model: Model
    version: ModelVersion
    triggered_events: list[TriggeredEvent]


class VersionTaken(Conflict):
    code = "version_taken"
    message = "The model has a version of this name already."


class TransitionForbidden(Conflict):
    code = "transition_forbidden"
    # What the API's document shows; whoever raises it names the two.
    message = "A version can't go from 'active' to 'pending'."

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
    if is_taken(model, version):
        raise VersionTaken
    made = insert_version(model, version, description=description, metadata=metadata)
    model.revision += 1
    model.updated_at = made.created_at
    model.save(update_fields=["last_number", "revision", "updated_at"])
    record(
        AuditAction.VERSION_CREATED,
        model_id=model_id,
        version=version,
        after={"description": description, "metadata": metadata, "status": made.status},
    )
    return model, made


@transactional
def set_version_status(*, model_id: str, version: str, status: str) -> StatusChange:
    """Move a version by hand to `status`; opens a transaction.

    The present status again changes nothing, except that `active` for a version that is not the
    current one makes it current: the rollback. `failed` for one that a training failed withdraws
    it, also from trainings that still run. training -> active announces
    `version_activated`. Raises ModelNotFound, VersionNotFound, TransitionForbidden.
    """
    model = lock_model(model_id)
    found = lock_version(get_version(model_id, version).pk)
    found.model = model
    present = found.status
    if status == present and not _is_rollback(model, found):
        if status == VersionStatus.FAILED:
            # The status stays; the audit entry makes the success of a running training not count.
            at = standing(model, found)
            record_move(AuditAction.VERSION_STATUS_SET, model, found, before=at, events=[])
        return StatusChange(model, found, [])
    if status not in VERSION_TRANSITIONS[present] | {present}:
        raise TransitionForbidden(present, status)
    events: list[TriggeredEvent] = []
    before = standing(model, found)
    if status == VersionStatus.ACTIVE:
        activate_version(model, found)
        if present == VersionStatus.TRAINING:
            events = announce_activation(found, job=None)
    else:
        move_version(model, found, status)
    record_move(AuditAction.VERSION_STATUS_SET, model, found, before=before, events=events)
    return StatusChange(model, found, events)


def _is_rollback(model: Model, version: ModelVersion) -> bool:
    """Return whether `active`, set again, restores a version that another one replaced."""
    return version.status == VersionStatus.ACTIVE and model.current_version_id != version.pk


def standing(model: Model, version: ModelVersion) -> dict[str, Any]:
    """Return a version's status and the model's current version, for the audit log."""
    current = model.current_version
    return {"status": version.status, "current_version": current.version if current else None}


def record_move(
    action: AuditAction,
    model: Model,
    version: ModelVersion,
    *,
    before: dict[str, Any],
    events: list[TriggeredEvent],
    job: Job | None = None,
) -> None:
    """Record in the audit log that a version moved, and how many subscriptions that triggered.

    Must be inside the transaction of the move.
    """
    record(
        action,
        model_id=model.pk,
        version=version.version,
        job_id=job.pk if job else None,
        before=before,
        after={**standing(model, version), "triggered_events": len(events)},
    )


def lock_version(version_id: int) -> ModelVersion:
    """Lock a version's row; must be inside a transaction that holds its model's row."""
    return ModelVersion.objects.select_for_update(no_key=True).get(pk=version_id)


def values_of_model(model: Model) -> dict[str, Any]:
    """Return the columns that a version has of its model, by name."""
    return {name: getattr(model, name) for name in ModelVersion.OF_MODEL}


def insert_version(model: Model, version: str, **by_hand: Any) -> ModelVersion:
    """Insert the next version of a locked model; must be inside a transaction.

    `by_hand` are columns that are not the model's. Counts `model.last_number` up, which the
    caller saves.
    """
    model.last_number += 1
    made = ModelVersion(
        model=model,
        number=model.last_number,
        version=version,
        created_at=timezone.now(),
        **values_of_model(model) | by_hand,
    )
    rows.insert(made)
    return made


def is_taken(model: Model, version: str) -> bool:
    """Return whether a locked model has a version of this name."""
    of_model = [model.pk, version]
    return rows.read(ModelVersion, "WHERE model_id = %s AND version = %s", of_model) is not None


def next_automatic_version(model: Model) -> str:
    """Return the next of 1, 2, 3 ... that is not the name of a version of a locked model.

    Increments `model.last_automatic`, which the caller saves, so that each string used by hand
    is skipped only once.
    """
    version = str(model.last_automatic + 1)
    if not is_taken(model, version):
        model.last_automatic += 1
        return version
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
    """Return what the receivers of a fact triggered, from the result of `send()`."""
    return [event for _, events in answers for event in events or []]


def announce_activation(version: ModelVersion, *, job: Job | None) -> list[TriggeredEvent]:
    """Announce `version_activated` and return what its receivers triggered."""
    answers = signals.version_activated.send(ModelVersion, version=version, job=job)
    return triggered(answers)
