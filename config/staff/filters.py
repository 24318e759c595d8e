"""The list filters; each one uses an index, so it is fast in a table of any size."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from config.staff import hours
from config.staff.attention import NEWEST_LIMIT, UPDATES_LIMIT, stale_ids, with_warnings
from models_registry.models import Job
from subscriptions.models import EventSubscription, Revalidation


class CreatedFilter(SimpleListFilter):
    """Jobs of the last 24 hours, or of one hour that the URL names."""

    title = "created"
    parameter_name = "made"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        choices = [("day", "last 24 hours")]
        named = hours.parse(request.GET.get(self.parameter_name, ""))
        if named is not None:
            choices.append((named.strftime(hours.FORMAT), f"{named:%Y-%m-%d %H}:00 UTC"))
        return choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        value = self.value() or ""
        named = hours.parse(value)
        if named is not None:
            return hours.created_in(queryset, named)
        return hours.created_since(queryset, hours.first_hour()) if value == "day" else queryset


class AttentionFilter(SimpleListFilter):
    """Subscriptions that need attention."""

    title = "needs attention"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [
            ("stale", f"stale (newest {UPDATES_LIMIT:,} updates)"),
            ("warnings", f"with warnings (newest {NEWEST_LIMIT:,})"),
            ("paused", "paused"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[EventSubscription]
    ) -> QuerySet[EventSubscription]:
        value = self.value()
        if value == "stale":
            return queryset.filter(pk__in=stale_ids())
        if value == "warnings":
            return with_warnings(queryset)
        return queryset.filter(state="paused") if value == "paused" else queryset


class InProgressFilter(SimpleListFilter):
    """Revalidations in progress."""

    title = "status"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("running", "in progress")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Revalidation]
    ) -> QuerySet[Revalidation]:
        return queryset.filter(due_at__isnull=False) if self.value() else queryset
