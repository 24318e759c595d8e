"""`manage.py retry`: retries failed jobs."""

from __future__ import annotations

from uuid import UUID

from config.management.reruns import JobsCommand
from models_registry.models import Job
from models_registry.services.reruns import retry_job


class Command(JobsCommand):
    help = "Create a new job for each failed one. Exit status 1 if any cannot be retried."
    examples = ("retry 019b76da-a800-7000-8000-000000000001",)
    verb = "retried"

    def do(self, job_id: UUID) -> Job:
        return retry_job(job_id=job_id)

    def result(self, job: Job) -> str:
        return f"as {job.pk}"
