"""`manage.py cancel`: ends jobs that nobody has begun with."""

from __future__ import annotations

from uuid import UUID

from config.management.reruns import JobsCommand
from models_registry.models import Job
from models_registry.services.reruns import cancel_job


class Command(JobsCommand):
    help = "Cancel pending jobs; exits with 1 when any has started or ended."
    examples = ("cancel 019b76da-a800-7000-8000-000000000001",)
    verb = "cancelled"

    def do(self, job_id: UUID) -> Job:
        return cancel_job(job_id=job_id)

    def said(self, job: Job) -> str:
        return "It will not be dispatched."
