"""The list of versions, and a version's page with what it froze."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from config.staff import model_page
from config.staff.base import StaffModelAdmin, list_url, page_url
from config.staff.showing import badge, link, moment, pretty
from config.staff.version_actions import Activate, TrainAgain
from models_registry.models import Job, Model, ModelVersion


@admin.register(ModelVersion)
class ModelVersionAdmin(StaffModelAdmin):
    list_display = ("version", "of_model", "shown_status", "created", "activated")
    search_fields = ("model",)
    search_help_text = "A model's id"
    list_select_related = ("model",)
    list_deferred = (
        "handlers",
        "handler_contracts",
        "metadata",
        "model__handlers",
        "model__handler_contracts",
        "model__metadata",
        "model__current_version__handlers",
        "model__current_version__handler_contracts",
        "model__current_version__metadata",
    )
    ordering = ("-id",)
    staff_actions = (Activate(), TrainAgain())
    page_template = "staff/version.html"

    def search(self, rows: QuerySet[ModelVersion], words: str) -> QuerySet[ModelVersion]:
        return rows.filter(model_id=words)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        return ModelVersion.objects.select_related("model__current_version")

    def page_context(self, request: HttpRequest, row: ModelVersion) -> dict[str, Any]:
        return {
            "crumbs": [
                {"title": "Models", "url": list_url(Model)},
                {"title": row.model_id, "url": page_url(row.model)},
            ],
            "title": f"Version {row.version}",
            "is_current": row.model.current_version_id == row.pk,
            "metadata": pretty(row.metadata),
            "handlers": model_page.handlers(row),
            "contracts": model_page.contracts(row),
            "jobs": jobs_of(request, Job.objects.filter(version=row), version__id__exact=row.pk),
            "compare_url": reverse("admin:models_registry_model_compare", args=[row.model_id]),
        }

    @admin.display(description="Model")
    def of_model(self, version: ModelVersion) -> SafeString:
        return link(version.model)

    @admin.display(description="Status")
    def shown_status(self, version: ModelVersion) -> SafeString:
        return badge(version.status)

    @admin.display(description="Made (UTC)")
    def created(self, version: ModelVersion) -> SafeString | str:
        return moment(version.created_at)

    @admin.display(description="Activated (UTC)")
    def activated(self, version: ModelVersion) -> SafeString | str:
        return moment(version.activated_at)


def offered_for(request: HttpRequest, version: ModelVersion) -> list[dict[str, Any]]:
    """Return the actions that the user may take on a version, for the pages that show several."""
    return _offered(request, version)


def jobs_of(request: HttpRequest, rows: QuerySet[Job], **filters: Any) -> dict[str, Any] | None:
    """Return the newest of some jobs, each with its actions; None for who may see no jobs."""
    if not request.user.has_perm("models_registry.view_job"):
        return None
    shown = model_page.jobs(rows, list_url(Job, **filters))
    for job in shown["rows"]:
        job.offered = _offered(request, job)
    return shown


def _offered(request: HttpRequest, row: Any) -> list[dict[str, Any]]:
    page: Any = admin.site.get_model_admin(type(row))
    offered: list[dict[str, Any]] = page.offered(request, row)
    return offered
