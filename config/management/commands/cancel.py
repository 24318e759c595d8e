"""`manage.py cancel`: cancels pending jobs."""

from __future__ import annotations

from uuid import UUID

from config.management.reruns import JobsCommand
from models_registry.models import Job
from models_registry.services.reruns import cancel_job


class Command(JobsCommand):
    help = "Cancel pending jobs. Exit status 1 if any has started or ended."
    examples = ("cancel 019b76da-a800-7000-8000-000000000001",)
    verb = "cancelled"

    def do(self, job_id: UUID) -> Job:
        return cancel_job(job_id=job_id)

    def result(self, job: Job) -> str:
        return "The job is not dispatched."
