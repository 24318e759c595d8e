"""The list of jobs, the page of a job, and the actions on it: retry and cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from config.staff import job_page
from config.staff.actions import StaffAction
from config.staff.base import StaffModelAdmin, as_uuid
from config.staff.filters import CreatedFilter
from config.staff.formatting import (
    NOTHING,
    badge,
    error_line,
    job_duration,
    link,
    moment,
    pretty,
    short_id,
)
from models_registry.models import Job, JobStatus
from models_registry.services.reruns import cancel_job, retry_job

# The list truncates errors; the job's page has all of it.
LIST_ERROR_CHARACTERS = 120


class Retry(StaffAction[Job]):
    """Creates a new job that repeats a failed one."""

    name = "retry"
    label = "Retry"
    permission = "models_registry.operate_job"

    def is_available(self, row: Job) -> bool:
        return row.status == JobStatus.FAILURE

    def effects(self, row: Job) -> Iterator[str]:
        yield f"A new {row.job_type} job for version {row.version} is created, with the same input."
        yield "This job remains a failure."
        yield "If the new job succeeds, it triggers the same subscriptions as this one."

    def perform(self, row: Job) -> str:
        return f"Job {retry_job(job_id=row.pk).pk} is created."


class Cancel(StaffAction[Job]):
    """Cancels a job that no worker has started."""

    name = "cancel"
    label = "Cancel"
    permission = "models_registry.operate_job"
    is_dangerous = True

    def is_available(self, row: Job) -> bool:
        return row.status == JobStatus.PENDING

    def effects(self, row: Job) -> Iterator[str]:
        yield "The job fails with the code cancelled; its handler is never called."
        yield "Its version does not change."
        yield "If a worker starts the job before you confirm, it is not cancelled."

    def perform(self, row: Job) -> str:
        cancel_job(job_id=row.pk)
        return f"Job {row.pk} is cancelled."


@admin.register(Job)
class JobAdmin(StaffModelAdmin):
    list_display = (
        "shown_id",
        "of_version",
        "type_of_job",
        "shown_status",
        "calls",
        "created",
        "duration",
        "error_text",
    )
    list_filter = ("status", CreatedFilter)
    search_fields = ("id",)
    search_help_text = "Job or model id"
    list_select_related = ("version",)
    list_deferred = (
        "input",
        "output",
        "warnings",
        "triggered_events",
        "version__metadata",
        "version__handlers",
        "version__handler_contracts",
    )
    ordering = ("-id",)
    staff_actions = (Retry(), Cancel())
    page_template = "staff/job.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.state_view)
        name = "models_registry_job_state"
        return [path("<uuid:object_id>/state/", view, name=name), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Job) -> dict[str, Any]:
        return {
            "input": pretty(row.input),
            "retried": job_page.retried(row),
            **job_page.state(request, row),
        }

    def state_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Return the part of a job's page that can change; the page polls it."""
        job = self.find(request, str(object_id))
        context = {
            **job_page.state(request, job),
            "available_actions": self.available_actions(request, job),
        }
        return TemplateResponse(request, "staff/job_state.html", context)

    def search(self, rows: QuerySet[Job], words: str) -> QuerySet[Job]:
        job_id = as_uuid(words)
        return rows.filter(Q(model_id=words) if job_id is None else Q(pk=job_id))

    @admin.display(description="Job")
    def shown_id(self, job: Job) -> SafeString:
        return short_id(job.pk)

    @admin.display(description="Version")
    def of_version(self, job: Job) -> SafeString:
        return link(job.version)

    @admin.display(description="Type")
    def type_of_job(self, job: Job) -> str:
        return job.job_type

    @admin.display(description="Status")
    def shown_status(self, job: Job) -> SafeString:
        return badge(job.status)

    @admin.display(description="Attempts")
    def calls(self, job: Job) -> int:
        return job.calls

    @admin.display(description="Created (UTC)")
    def created(self, job: Job) -> SafeString | str:
        return moment(job.created_at)

    @admin.display(description="Duration")
    def duration(self, job: Job) -> SafeString:
        return format_html('<span class="mp-nowrap">{}</span>', job_duration(job))

    @admin.display(description="Error")
    def error_text(self, job: Job) -> str:
        return Truncator(error_line(job.error)).chars(LIST_ERROR_CHARACTERS) or NOTHING
