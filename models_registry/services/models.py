"""Register, update and delete models."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Unpack

from django.db import IntegrityError, transaction
from django.db.models import RestrictedError
from django.utils import timezone

from models_registry import signals
from models_registry.db import bulk, rows
from models_registry.db.transactions import transactional
from models_registry.errors import Conflict
from models_registry.models import (
    InterfaceChange,
    Job,
    Model,
    ModelStatus,
    ModelValues,
    ModelVersion,
    new_id,
)
from models_registry.observability.audit_log import AuditAction, changed
from models_registry.services.audit import entry, record
from models_registry.services.definitions import Definition
from models_registry.services.jobs import new_automatic_training
from models_registry.services.lookups import lock_model, newest_version
from models_registry.services.versions import (
    insert_version,
    lock_version,
    next_automatic_version,
    values_of_model,
)

# How many jobs of a deleted model are read at once; bounds memory.
DELETED_AT_ONCE = 10_000

# Called with the locked model and its newest version; raises to refuse (If-Match).
Precondition = Callable[[Model, ModelVersion], None]


class ModelIdTaken(Conflict):
    code = "model_id_taken"
    message = "There is a model with this id already."


class ModelInUse(Conflict):
    code = "model_in_use"
    message = (
        "The model can't be deleted while its jobs run or another model's subscription targets it."
    )


@transactional
def register_model(
    *,
    model_id: str | None,
    definition: Definition,
    **values: Unpack[ModelValues],
) -> tuple[Model, ModelVersion]:
    """Make a pending model and its version "1"; opens a transaction.

    `model_id` None gives it a UUIDv7. Raises ModelIdTaken. Nothing is dispatched.
    """
    now = timezone.now()
    model = Model(
        id=model_id or str(new_id()),
        handlers=definition.handlers,
        handler_contracts=definition.handler_contracts,
        revision=secrets.randbelow(2**40),
        created_at=now,
        updated_at=now,
        last_automatic=1,
        **definition.fingerprints(),
        **values,
    )
    try:
        with transaction.atomic():
            model.save(force_insert=True)
    except IntegrityError as error:
        raise ModelIdTaken from error
    version = insert_version(model, "1")
    Model.objects.filter(pk=model.pk).update(last_number=model.last_number)
    _record_interfaces(model, version, definition, tuple(definition.interfaces))
    record(
        AuditAction.MODEL_REGISTERED,
        model_id=model.pk,
        version=version.version,
        after=_logged(model),
    )
    return model, version


@transactional
def update_model(
    *,
    model_id: str,
    definition: Definition,
    precondition: Precondition | None = None,
    **values: Unpack[ModelValues],
) -> tuple[Model, ModelVersion]:
    """Give a model new values; opens a transaction.

    An active model gets a new version (status pending, these values frozen in it) and an
    automatic training job in the same transaction; of a pending model the newest version is
    changed in place. Announces `interface_changed` when a contract, or a handler without one,
    differs from before. Raises ModelNotFound, EventTooLarge, and whatever `precondition` raises.
    """
    model = lock_model(model_id)
    if precondition is not None:
        precondition(model, newest_version(model))
    interfaces, was = _changed_interfaces(model, definition), _logged(model)
    model.handlers, model.handler_contracts = definition.handlers, definition.handler_contracts
    for column, value in (*values.items(), *definition.fingerprints().items()):
        setattr(model, column, value)
    model.revision += 1
    model.updated_at = timezone.now()
    job: Job | None = None
    if model.status == ModelStatus.ACTIVE:
        version, job = _add_trained_version(model)
    else:
        version = _change_in_place(model, newest_version(model))
    before, after = changed(was, _logged(model))
    audit_entry = entry(
        AuditAction.MODEL_UPDATED,
        model_id=model.pk,
        version=version.version,
        job_id=job.pk if job else None,
        before=before,
        after={"version": version.version, **after},
    )
    rows.update(model)
    rows.write(*([job] if job else []), audit_entry)
    _record_interfaces(model, version, definition, interfaces, announce=True)
    return model, version


@transactional
def delete_model(*, model_id: str, precondition: Precondition | None = None) -> None:
    """Delete a model with its versions and finished jobs; opens a transaction.

    Raises ModelNotFound, and ModelInUse while a job is open or another model's subscription
    targets it.
    """
    model = lock_model(model_id)
    if precondition is not None:
        precondition(model, newest_version(model))
    if Job.objects.filter(model=model, due_at__isnull=False).exists():
        raise ModelInUse
    # What refers to them goes with the model.
    bulk.delete_unread(Job.objects.filter(model=model), at_once=DELETED_AT_ONCE)
    try:
        model.delete()
    except RestrictedError as error:
        raise ModelInUse from error
    record(AuditAction.MODEL_DELETED, model_id=model_id, before=_logged(model))


def _logged(model: Model) -> dict[str, Any]:
    """Return what the audit log keeps of a model."""
    return {name: getattr(model, name) for name in Model.SHOWN if name != "id"}


def _changed_interfaces(model: Model, definition: Definition) -> tuple[tuple[str, str], ...]:
    return tuple(
        key
        for key, interface in definition.interfaces.items()
        if model.fingerprint(*key) != interface.fingerprint
    )


def _add_trained_version(model: Model) -> tuple[ModelVersion, Job]:
    version = insert_version(model, next_automatic_version(model))
    return version, new_automatic_training(version)


def _change_in_place(model: Model, newest: ModelVersion) -> ModelVersion:
    # A worker that starts to train it increments its revision without the lock of the model.
    newest = lock_version(newest.pk)
    newest.model = model
    for column, value in values_of_model(model).items():
        setattr(newest, column, value)
    newest.revision += 1
    newest.save(update_fields=[*ModelVersion.OF_MODEL, "revision"])
    return newest


def _record_interfaces(
    model: Model,
    version: ModelVersion,
    definition: Definition,
    keys: tuple[tuple[str, str], ...],
    *,
    announce: bool = False,
) -> None:
    """Record the interfaces `keys` as they are from now on, and announce them if asked."""
    if not keys:
        return
    changes = [
        InterfaceChange(
            model=model,
            action=action,
            direction=direction,
            version=version.version,
            changed_at=model.updated_at,
            fingerprint=definition.interfaces[action, direction].fingerprint,
            definition=definition.interfaces[action, direction].definition,
            is_schema=definition.interfaces[action, direction].is_schema,
        )
        for action, direction in keys
    ]
    InterfaceChange.objects.bulk_create(changes)
    if announce:
        signals.interface_changed.send(Model, model=model, version=version, changes=changes)
