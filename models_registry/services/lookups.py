"""Lookups: find and lock rows by every part of a path, or raise that they are not found."""

from __future__ import annotations

from uuid import UUID

from models_registry.db import rows, statements
from models_registry.db.dialect import locking
from models_registry.db.read_models import StoredModel, StoredVersion, stored_model
from models_registry.errors import NotFound
from models_registry.models import Job, Model, ModelVersion


class ModelNotFound(NotFound):
    code = "model_not_found"
    message = "There is no model with this id."


class VersionNotFound(NotFound):
    code = "version_not_found"
    message = "The model has no such version."


class JobNotFound(NotFound):
    code = "job_not_found"
    message = "There is no such job here."


def lock_model(model_id: str) -> Model:
    """Lock a model's row against other changes; must be inside a transaction.

    The lock leaves other rows free to refer to it. Raises ModelNotFound.
    """
    model = rows.read(Model, f"WHERE id = %s {locking('FOR NO KEY UPDATE')}", [model_id])
    if model is None:
        raise ModelNotFound
    return model


def hold_model(model_id: str) -> Model:
    """Lock a model's row for reading until the transaction ends; must be inside one.

    Any number of transactions may hold it; `lock_model` waits for all of them. Raises
    ModelNotFound.
    """
    model = rows.read(Model, f"WHERE id = %s {locking('FOR SHARE')}", [model_id])
    if model is None:
        raise ModelNotFound
    return model


def newest_version(model: Model) -> ModelVersion:
    """Return the version of `model` that was made last; there always is one."""
    of_model = [model.pk, model.last_number]
    version = rows.read(ModelVersion, "WHERE model_id = %s AND number = %s", of_model)
    assert version is not None
    return version


def get_model(model_id: str) -> tuple[Model, ModelVersion]:
    """Return a model and its newest version. Raises ModelNotFound."""
    model = Model.objects.filter(pk=model_id).first()
    if model is None:
        raise ModelNotFound
    return model, newest_version(model)


def get_stored_model(model_id: str) -> tuple[StoredModel, StoredVersion]:
    """Return a model and its newest version as they are stored. Raises ModelNotFound."""
    found = stored_model(model_id)
    if found is None:
        raise ModelNotFound
    return found


def get_version(model_id: str, version: str) -> ModelVersion:
    """Return a version. Raises ModelNotFound or VersionNotFound."""
    found = rows.read(ModelVersion, "WHERE model_id = %s AND version = %s", [model_id, version])
    if found is None:
        raise VersionNotFound if Model.objects.filter(pk=model_id).exists() else ModelNotFound
    return found


def get_job(job_id: UUID, *, model_id: str | None = None, version: str | None = None) -> Job:
    """Return a job with its version; every given part of the path must match.

    Raises JobNotFound, also when the job is another model's or version's.
    """
    job = rows.read(Job, "WHERE id = %s", [statements.key(Job, job_id)])
    if job is None or model_id not in (None, job.model_id):
        raise JobNotFound
    job.version = version_of(job)
    if version not in (None, job.version.version):
        raise JobNotFound
    return job


def version_of(job: Job) -> ModelVersion:
    """Return the version that a job is of. Raises JobNotFound: both were deleted meanwhile."""
    found = rows.read(ModelVersion, "WHERE id = %s", [job.version_id])
    if found is None:
        raise JobNotFound
    return found


def require_model(model_id: str) -> None:
    """Raise ModelNotFound when there is no such model."""
    if not Model.objects.filter(pk=model_id).exists():
        raise ModelNotFound
