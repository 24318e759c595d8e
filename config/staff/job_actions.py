"""What staff may do with a job: run a failed one again, cancel one that waits."""

from __future__ import annotations

from collections.abc import Iterator

from config.staff.actions import StaffAction
from models_registry.models import Job, JobStatus
from models_registry.services.reruns import cancel_job, retry_job


class Retry(StaffAction[Job]):
    """Makes a new job that repeats a failed one."""

    name = "retry"
    label = "Retry"
    permission = "models_registry.operate_job"

    def is_offered(self, row: Job) -> bool:
        return row.status == JobStatus.FAILURE

    def foresee(self, row: Job) -> Iterator[str]:
        yield f"A new {row.job_type} job for version {row.version} is made, with the same input."
        yield "This job stays as it is, a failure."
        yield "If the new one succeeds, it sets off what this one would have."

    def carry_out(self, row: Job) -> str:
        return f"Job {retry_job(job_id=row.pk).pk} was made."


class Cancel(StaffAction[Job]):
    """Ends a job that no worker has begun with."""

    name = "cancel"
    label = "Cancel"
    permission = "models_registry.operate_job"
    is_dangerous = True

    def is_offered(self, row: Job) -> bool:
        return row.status == JobStatus.PENDING

    def foresee(self, row: Job) -> Iterator[str]:
        yield "The job ends as a failure with the code cancelled; its handler is never called."
        yield "Its version stays as it is."
        yield "If a worker begins with it before you confirm, it is not cancelled."

    def carry_out(self, row: Job) -> str:
        cancel_job(job_id=row.pk)
        return f"Job {row.pk} was cancelled."
