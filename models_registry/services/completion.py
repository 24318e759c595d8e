"""Completion of jobs: the one place where a job succeeds or fails, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import transaction

from models_registry import signals
from models_registry.contracts import fingerprint
from models_registry.db import dialect, rows, statements
from models_registry.db.sql import Sql
from models_registry.db.transactions import transactional
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
from models_registry.observability import metrics
from models_registry.observability.audit_log import AuditAction, digested
from models_registry.observability.tracing import continue_job
from models_registry.services.audit import record, was_failed_by_training
from models_registry.services.jobs import payload_warnings
from models_registry.services.lookups import get_job, lock_model
from models_registry.services.versions import (
    TriggeredEvent,
    activate_version,
    announce_activation,
    lock_version,
    move_version,
    record_move,
    standing,
    triggered,
)

IS_OPEN = Sql(f"status IN ({', '.join(repr(str(status)) for status in OPEN_JOB)})")
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
    continue_job(job)
    return end_job(
        job, status=status, output=output, error=error, audited=AuditAction.JOB_COMPLETED
    )


def end_job(
    job: Job,
    *,
    status: str,
    output: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
    only_if: Sql | None = None,
    audited: AuditAction | None = None,
    was_tried: bool = True,
    must_be_first: bool = False,
) -> Job:
    """End an open job; must be outside a transaction unless the caller needs both to be one.

    `only_if` narrows which state the job may still be in, so that a sweep or a lapsed claim
    loses against whoever came first. With `was_tried=False` the handler was never called, so the
    failure leaves the job's version as it is. With `must_be_first` the same completion again is
    refused as well, so that only one of several sweeps counts it. `audited` is the action of the
    audit entry when a caller ends the job. Returns the job as it is now; raises JobAlreadyFinished.
    """
    digest = fingerprint({"status": status, "output": output, "error": error})
    repeated = None if must_be_first else digest
    if job.status not in OPEN_JOB:
        return _first_answer(job, repeated)
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
    conditions = [] if only_if is None else [only_if]
    ended = _end_in_transaction(job, columns, conditions, was_tried=was_tried, audited=audited)
    return ended or _first_answer(get_job(job.pk), repeated)


@transactional
def _end_in_transaction(
    job: Job,
    columns: dict[str, Any],
    conditions: Sequence[Sql],
    *,
    was_tried: bool,
    audited: AuditAction | None,
) -> Job | None:
    """End the job and do what follows from it; None when it was ended or changed before."""
    # Locks are taken in one order everywhere: model, job, version.
    is_training = was_tried and job.job_type == Action.TRAINING
    model = lock_model(job.model_id) if is_training else None
    if was_tried:
        columns["started_at"] = Sql(f"COALESCE(started_at, {dialect.now()})")
    columns |= {
        "dispatch": Dispatch.DONE,
        "claim": None,
        "due_at": None,
        "completed_at": Sql(dialect.now()),
    }
    which = (statements.where(Job, id=job.pk), IS_OPEN, *conditions)
    # The output may have megabytes and is known here.
    ended = rows.change(Job, columns, *which, without="output")
    if ended is None:
        return None
    ended.version, ended.output = job.version, columns["output"]
    _count(ended)
    succeeded = ended.status == JobStatus.SUCCESS
    if model is not None:
        events = _end_training(model, ended, succeeded=succeeded)
    else:
        events = _announce_completion(ended) if succeeded else []
    if events:
        ended.triggered_events = events
        rows.was_changed(Job, {"triggered_events": events}, statements.where(Job, id=job.pk))
    if audited is not None:
        _record_end(audited, job, ended)
    return ended


def _count(job: Job) -> None:
    """Count the end of a job once the present transaction is committed."""
    ended = metrics.JOBS_ENDED.labels(job.job_type, job.status)
    transaction.on_commit(lambda: ended.inc(), robust=True)


def _record_end(action: AuditAction, was: Job, job: Job) -> None:
    """Record in the audit log how a caller ended a job, with a digest of the output."""
    after: dict[str, Any] = {"status": job.status, "triggered_events": len(job.triggered_events)}
    if job.output is not None:
        after["output"] = digested(job.output)
    if job.error is not None:
        after["error"] = job.error
    record(
        action,
        model_id=job.model_id,
        version=job.version.version,
        job_id=job.pk,
        before={"status": was.status},
        after=after,
    )


def _first_answer(job: Job, digest: str | None) -> Job:
    if job.completion_digest != digest:
        raise JobAlreadyFinished
    return job


def _end_training(model: Model, job: Job, *, succeeded: bool) -> list[TriggeredEvent]:
    version = lock_version(job.version_id)
    version.model = model
    before = standing(model, version)
    if not succeeded:
        if version.status != VersionStatus.FAILED:
            move_version(model, version, VersionStatus.FAILED)
            record_move(
                AuditAction.VERSION_FAILED, model, version, before=before, events=[], job=job
            )
        return []
    if version.status == VersionStatus.FAILED and not was_failed_by_training(version):
        Job.objects.filter(pk=job.pk).update(warnings=[*job.warnings, WITHDRAWN])
        return []
    if settings.ACTIVATION == "manual" and version.status != VersionStatus.ACTIVE:
        if version.status != VersionStatus.TRAINING:
            move_version(model, version, VersionStatus.TRAINING)
        return []
    activate_version(model, version)
    events = announce_activation(version, job=job)
    record_move(
        AuditAction.VERSION_ACTIVATED, model, version, before=before, events=events, job=job
    )
    return events


def _announce_completion(job: Job) -> list[TriggeredEvent]:
    version: ModelVersion = job.version
    answers = signals.job_completed.send(Job, job=job, version=version)
    return triggered(answers)
