"""The list of revalidations: each run over the stored payloads of a model's action."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from config.staff.base import StaffModelAdmin, list_url
from config.staff.dashboard import progress_url, runs_under_way
from config.staff.filters import UnderWayFilter
from config.staff.schema_tree import schema_tree
from config.staff.showing import badge, duration, link, moment
from subscriptions.models import EventSubscription, Revalidation


@admin.register(Revalidation)
class RevalidationAdmin(StaffModelAdmin):
    list_display = (
        "id_shown",
        "of_model",
        "of_action",
        "version",
        "shown_status",
        "total",
        "checked",
        "invalid",
        "created",
    )
    list_filter = (UnderWayFilter,)
    search_fields = ("model",)
    search_help_text = "A model's id"
    list_select_related = ("model",)
    list_deferred = ("schema", "model__handlers", "model__handler_contracts", "model__metadata")
    ordering = ("-id",)
    page_template = "staff/run.html"

    def page_context(self, request: HttpRequest, row: Revalidation) -> dict[str, Any]:
        ended, started = row.finished_at, row.started_at
        target = {"target__id__exact": row.model_id, "which": "warnings"}
        return {
            "runs": runs_under_way(row.pk),
            "runs_from": progress_url(row),
            "took": duration(ended - started if ended and started else None),
            "contract": None if row.schema is None else schema_tree(row.schema),
            "warned_url": list_url(EventSubscription, **target),
        }

    def search(self, rows: QuerySet[Revalidation], words: str) -> QuerySet[Revalidation]:
        return rows.filter(model_id=words)

    @admin.display(description="Run")
    def id_shown(self, run: Revalidation) -> str:
        return f"…{str(run.pk)[-12:]}"

    @admin.display(description="Model")
    def of_model(self, run: Revalidation) -> SafeString:
        return link(run.model)

    @admin.display(description="Action")
    def of_action(self, run: Revalidation) -> str:
        return run.action

    @admin.display(description="Status")
    def shown_status(self, run: Revalidation) -> SafeString:
        return badge(run.status)

    @admin.display(description="Started (UTC)")
    def created(self, run: Revalidation) -> SafeString | str:
        return moment(run.created_at)
