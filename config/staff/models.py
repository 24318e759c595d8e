"""The list of models, the page of a model, and the comparison of two of its versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from config.staff import model_page
from config.staff.base import StaffModelAdmin
from config.staff.comparison import compare_versions
from config.staff.formatting import NOTHING, badge, link, moment, pretty
from config.staff.graph import can_view_graph
from config.staff.links import list_url, page_url
from config.staff.subscription_actions import AcceptAll, AcceptFitting
from config.staff.versions import actions_on, jobs_of
from models_registry.models import AuditEntry, Job, Model, ModelVersion

# How many versions the comparison suggests; any other can be typed.
CHOICES = 200


@admin.register(Model)
class ModelAdmin(StaffModelAdmin):
    list_display = ("id", "name", "shown_status", "current", "versions", "updated")
    list_filter = ("status",)
    list_select_related = ("current_version",)
    list_deferred = (
        "description",
        "handlers",
        "handler_contracts",
        "metadata",
        "current_version__description",
        "current_version__handlers",
        "current_version__handler_contracts",
        "current_version__metadata",
    )
    search_fields = ("id",)
    search_help_text = "Start of the model id"
    ordering = ("id",)
    page_template = "staff/model.html"
    staff_actions = (AcceptFitting(), AcceptAll())

    def search(self, rows: QuerySet[Model], words: str) -> QuerySet[Model]:
        return rows.filter(pk__startswith=words)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.compare_view)
        name = "models_registry_model_compare"
        return [path("<path:object_id>/compare/", view, name=name), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Model) -> dict[str, Any]:
        timeline = model_page.timeline(row)
        for entry in timeline["versions"]:
            entry["version"].model = row
            entry["available_actions"] = actions_on(request, entry["version"])
        may = request.user.has_perm
        return {
            "crumbs": [{"title": "Models", "url": list_url(Model)}],
            "can_view_graph": can_view_graph(request),
            "audit_url": may("models_registry.view_auditentry") and list_url(AuditEntry, q=row.pk),
            "metadata": pretty(row.metadata),
            "timeline": timeline,
            "handlers": model_page.handlers(row),
            "contracts": model_page.contracts(row),
            "subscription_lists": model_page.subscriptions(
                row, self.available_actions(request, row)
            )
            if may("subscriptions.view_eventsubscription")
            else [],
            "jobs": jobs_of(request, Job.objects.filter(model=row), model__id__exact=row.pk),
            "compare_url": reverse("admin:models_registry_model_compare", args=[row.pk]),
        }

    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Compare two versions; without a choice, ask for it."""
        model = self.find(request, object_id)
        versions = ModelVersion.objects.filter(model=model)
        names = list(versions.order_by("-number").values_list("version", flat=True)[:CHOICES])
        chosen = [request.GET.get(side, "") for side in ("old", "new")]
        found = {each.version: each for each in versions.filter(version__in=chosen)}
        old, new = (found.get(name) for name in chosen)
        context = {
            **self.admin_site.each_context(request),
            "title": "Compare versions",
            "opts": self.opts,
            "crumbs": [
                {"title": "Models", "url": list_url(Model)},
                {"title": model.pk, "url": page_url(model)},
            ],
            "names": names,
            "chosen_old": chosen[0] or (names[1] if len(names) > 1 else ""),
            "chosen_new": chosen[1] or (names[0] if names else ""),
            "unknown": [name for name in chosen if name and name not in found],
            "old": old,
            "new": new,
            "parts": compare_versions(old, new) if old and new else [],
        }
        return TemplateResponse(request, "staff/compare.html", context)

    @admin.display(description="Status")
    def shown_status(self, model: Model) -> SafeString:
        return badge(model.status)

    @admin.display(description="Current version")
    def current(self, model: Model) -> SafeString | str:
        current = model.current_version
        return NOTHING if current is None else link(current, current.version)

    @admin.display(description="Versions")
    def versions(self, model: Model) -> int:
        return model.last_number

    @admin.display(description="Updated (UTC)")
    def updated(self, model: Model) -> SafeString | str:
        return moment(model.updated_at)
