"""Ending jobs: the one place where a job becomes a success or a failure, and what follows."""

from __future__ import annotations

from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from models_registry import signals
from models_registry.contracts import fingerprint
from models_registry.errors import Conflict
from models_registry.models import (
    OPEN_JOB,
    Action,
    Direction,
    Dispatch,
    Job,
    JobStatus,
    Model,
    ModelVersion,
    VersionStatus,
)
from models_registry.services.jobs import payload_warnings
from models_registry.services.lookups import get_job, lock_model
from models_registry.services.transactions import transactional
from models_registry.services.versions import (
    TriggeredEvent,
    activate_version,
    announce_activation,
    lock_version,
    move_version,
    triggered,
)

WITHDRAWN = "The version was set to failed while the job ran; the success did not activate it."


class JobAlreadyFinished(Conflict):
    code = "job_already_finished"
    message = "The job has ended already, with another outcome."


class JobError(TypedDict, total=False):
    """Why a job failed: `code` is stable, `message` is for a person; handlers may add more."""

    code: str
    message: str


def complete_job(
    *,
    model_id: str,
    version: str,
    job_id: UUID,
    status: str,
    output: dict[str, Any] | None,
    error: dict[str, Any] | None,
) -> Job:
    """End a job as its handler reports; opens a transaction.

    `status` is "success" or "failure". A success activates the version of a training job or
    fires the events of an inference job; output that does not fit the contract only adds
    warnings. The same completion again returns the job as the first one left it. Raises
    JobNotFound, and JobAlreadyFinished when it contradicts the first.
    """
    job = get_job(job_id, model_id=model_id, version=version)
    return end_job(job, status=status, output=output, error=error)


def end_job(
    job: Job,
    *,
    status: str,
    output: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
    only_if: Q | None = None,
) -> Job:
    """End an open job; must be outside a transaction unless the caller needs both to be one.

    `only_if` narrows which state the job may still be in, so that a sweep or a lapsed claim
    loses against whoever came first. Returns the job as it is now; raises JobAlreadyFinished.
    """
    digest = fingerprint({"status": status, "output": output, "error": error})
    if job.status not in OPEN_JOB:
        return _first_answer(job, digest)
    warnings = list(job.warnings)
    if status == JobStatus.SUCCESS:
        schema = job.version.schema(job.job_type, Direction.OUTPUT)
        warnings += payload_warnings(schema, {} if output is None else output, "output")
    columns = {
        "status": status,
        "output": output,
        "error": error,
        "warnings": warnings,
        "completion_digest": digest,
    }
    return _end_in_transaction(job, columns, only_if or Q())


@transactional
def _end_in_transaction(job: Job, columns: dict[str, Any], only_if: Q) -> Job:
    # Locks are taken in one order everywhere: model, job, version.
    model = lock_model(job.model_id) if job.job_type == Action.TRAINING else None
    won = Job.objects.filter(only_if, pk=job.pk, status__in=OPEN_JOB).update(
        **columns,
        dispatch=Dispatch.DONE,
        claim=None,
        due_at=None,
        started_at=Coalesce(F("started_at"), Now()),
        completed_at=Now(),
    )
    job = get_job(job.pk)
    if not won:
        return _first_answer(job, columns["completion_digest"])
    succeeded = job.status == JobStatus.SUCCESS
    if model is not None:
        events = _end_training(model, job, succeeded=succeeded)
    else:
        events = _announce_completion(job) if succeeded else []
    if events:
        job.triggered_events = events
        Job.objects.filter(pk=job.pk).update(triggered_events=events)
    return job


def _first_answer(job: Job, digest: str) -> Job:
    if job.completion_digest != digest:
        raise JobAlreadyFinished
    return job


def _end_training(model: Model, job: Job, *, succeeded: bool) -> list[TriggeredEvent]:
    version = lock_version(job.version_id)
    version.model = model
    if not succeeded:
        if version.status != VersionStatus.FAILED:
            move_version(model, version, VersionStatus.FAILED)
        return []
    if version.status == VersionStatus.FAILED:
        Job.objects.filter(pk=job.pk).update(warnings=[*job.warnings, WITHDRAWN])
        return []
    if settings.ACTIVATION == "manual" and version.status != VersionStatus.ACTIVE:
        if version.status == VersionStatus.PENDING:
            move_version(model, version, VersionStatus.TRAINING)
        return []
    activate_version(model, version)
    return announce_activation(version, job=job)


def _announce_completion(job: Job) -> list[TriggeredEvent]:
    version: ModelVersion = job.version
    answers = signals.job_completed.send(Job, job=job, version=version)
    return triggered(answers)
