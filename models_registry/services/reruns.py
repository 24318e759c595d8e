"""Retry a failed job, and cancel a pending one."""

from __future__ import annotations

from uuid import UUID

from models_registry.db import rows, statements
from models_registry.db.transactions import transactional
from models_registry.errors import Conflict
from models_registry.models import Action, Job, JobStatus, ModelVersion, VersionStatus
from models_registry.observability.audit_log import AuditAction
from models_registry.services.audit import record
from models_registry.services.completion import JobAlreadyFinished, JobError, end_job
from models_registry.services.jobs import (
    VersionNotActive,
    input_warnings,
    new_job,
    refuse_large_event,
    refuse_too_many_jobs,
    wake_worker,
)
from models_registry.services.lookups import JobNotFound, get_job

CANCELLED: JobError = {
    "code": "cancelled",
    "message": "The job was cancelled before a worker had begun with it.",
}


class JobNotFailed(Conflict):
    code = "job_not_failed"
    message = "Only a job that failed can be retried."


class JobNotPending(Conflict):
    code = "job_not_pending"
    message = "Only a pending job can be cancelled; this one has started or ended."


def retry_job(*, job_id: UUID) -> Job:
    """Record a new job that repeats a failed one; opens a transaction.

    It has the same version, type and input, and the same cause: whatever is read of where a job
    came from (its place in a chain, the input of automatic trainings) holds for the repetition
    too. `retry_of` names the job that it repeats. The input is not refused for its contract,
    since it was taken once; where it does not fit, the job has warnings. Raises JobNotFound,
    JobNotFailed, VersionNotActive for inference, EventTooLarge, TooManyJobs.
    """
    failed = get_job(job_id)
    if failed.status != JobStatus.FAILURE:
        raise JobNotFailed
    if failed.job_type == Action.INFERENCE and failed.version.status != VersionStatus.ACTIVE:
        raise VersionNotActive
    warnings = input_warnings(failed.version, failed.job_type, failed.input)
    return _record_repetition(failed, failed.version, warnings)


def cancel_job(*, job_id: UUID) -> Job:
    """End a pending job as a failure with the error code "cancelled"; opens a transaction.

    It is never dispatched. Its version stays as it is, since nothing was tried: an active one
    whose training is cancelled goes on serving. A job that was cancelled before is returned as
    it is. Raises JobNotFound, and JobNotPending when a worker's claim or an answer came first.
    """
    job = get_job(job_id)
    try:
        return end_job(
            job,
            status=JobStatus.FAILURE,
            error=dict(CANCELLED),
            only_if=statements.where(Job, status=JobStatus.PENDING),
            was_tried=False,
            audited=AuditAction.JOB_CANCELLED,
        )
    except JobAlreadyFinished as error:
        raise JobNotPending from error


@transactional
def _record_repetition(failed: Job, version: ModelVersion, warnings: list[str]) -> Job:
    if not Job.objects.filter(pk=failed.pk).exists():
        raise JobNotFound  # deleted with its model since it was read
    # The input is that of the failed job: nothing in the body of a retry is at fault.
    refuse_large_event(version, failed.job_type, input=failed.input, at="")
    refuse_too_many_jobs(failed.model_id)
    job = new_job(version, failed.job_type, failed.origin, input=failed.input, warnings=warnings)
    job.retry_of = failed.pk
    job.triggered_by_id = failed.triggered_by_id
    job.triggered_by_job_id = failed.triggered_by_job_id
    job.depth = failed.depth
    rows.write(job)
    record(
        AuditAction.JOB_RETRIED,
        model_id=job.model_id,
        version=version.version,
        job_id=job.pk,
        after={"job_type": job.job_type, "status": job.status, "retry_of": str(failed.pk)},
    )
    wake_worker(job)
    return job
