"""The list of jobs, and a job's page."""

from __future__ import annotations

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
from config.staff.base import StaffModelAdmin, as_uuid
from config.staff.filters import MadeFilter
from config.staff.job_actions import Cancel, Retry
from config.staff.showing import NOTHING, badge, link, moment, pretty, reason, short_id, took
from models_registry.models import Job

# Of a reason, so much stands in a row of the list; the job's page has all of it.
REASON_CHARACTERS = 120


@admin.register(Job)
class JobAdmin(StaffModelAdmin):
    list_display = (
        "shown_id",
        "of_version",
        "type_of_job",
        "shown_status",
        "calls",
        "created",
        "took",
        "why",
    )
    list_filter = ("status", MadeFilter)
    search_fields = ("id",)
    search_help_text = "A job's id, or a model's"
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
        """Answer with what may change of a job's page; the page asks again and again."""
        job = self.find(request, str(object_id))
        context = {**job_page.state(request, job), "offered": self.offered(request, job)}
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

    @admin.display(description="Made (UTC)")
    def created(self, job: Job) -> SafeString | str:
        return moment(job.created_at)

    @admin.display(description="Took")
    def took(self, job: Job) -> SafeString:
        return format_html('<span class="mp-nowrap">{}</span>', took(job))

    @admin.display(description="Why it failed")
    def why(self, job: Job) -> str:
        return Truncator(reason(job.error)).chars(REASON_CHARACTERS) or NOTHING
