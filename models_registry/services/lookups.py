"""Finding and locking rows by the whole of a path, and the refusals when they are not there."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

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
    model = Model.objects.select_for_update(no_key=True).filter(pk=model_id).first()
    if model is None:
        raise ModelNotFound
    return model


def hold_model(model_id: str) -> Model:
    """Keep a model as it is until the transaction ends, and return it; must be inside one.

    Any number may hold a model; whoever would change it (`lock_model`) waits for all of them.
    Raises ModelNotFound.
    """
    # SQLite needs no lock: whoever writes there is alone.
    lock = " FOR SHARE" if connection.vendor == "postgresql" else ""
    sql = f"SELECT * FROM {Model._meta.db_table} WHERE id = %s{lock}"  # noqa: S608 (constants)
    for model in Model.objects.raw(sql, [model_id]):
        return model
    raise ModelNotFound


def newest_version(model: Model) -> ModelVersion:
    """Return the version of `model` that was made last; there always is one."""
    return ModelVersion.objects.get(model_id=model.pk, number=model.last_number)


def get_model(model_id: str) -> tuple[Model, ModelVersion]:
    """Return a model and its newest version. Raises ModelNotFound."""
    model = Model.objects.filter(pk=model_id).first()
    if model is None:
        raise ModelNotFound
    return model, newest_version(model)


def get_version(model_id: str, version: str) -> ModelVersion:
    """Return a version with its model. Raises ModelNotFound or VersionNotFound."""
    found = (
        ModelVersion.objects.select_related("model")
        .filter(model_id=model_id, version=version)
        .first()
    )
    if found is None:
        raise VersionNotFound if Model.objects.filter(pk=model_id).exists() else ModelNotFound
    return found


def get_job(job_id: UUID, *, model_id: str | None = None, version: str | None = None) -> Job:
    """Return a job with its version; every given part of the path must match.

    Raises JobNotFound, also when the job is another model's or version's.
    """
    jobs = Job.objects.select_related("version").filter(pk=job_id)
    if model_id is not None:
        jobs = jobs.filter(model_id=model_id)
    if version is not None:
        jobs = jobs.filter(version__version=version)
    job = jobs.first()
    if job is None:
        raise JobNotFound
    return job


def require_model(model_id: str) -> None:
    """Raise ModelNotFound when there is no such model."""
    if not Model.objects.filter(pk=model_id).exists():
        raise ModelNotFound
