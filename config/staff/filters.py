"""What lists can be filtered by: only what an index finds, in a table of any length."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from config.staff import hours
from config.staff.concerns import NEWEST_LIMIT, UPDATES_LIMIT, stale_ids, warned
from models_registry.models import Job
from subscriptions.models import EventSubscription, Revalidation


class MadeFilter(SimpleListFilter):
    """Jobs of the last hours, or of the one hour that an address names."""

    title = "made"
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
            return hours.made_in(queryset, named)
        return hours.made_since(queryset, hours.first_hour()) if value == "day" else queryset


class ConcernFilter(SimpleListFilter):
    """Subscriptions that somebody should look at."""

    title = "which"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [
            ("stale", f"stale, by the newest {UPDATES_LIMIT:,} updates"),
            ("warnings", f"with warnings, of the newest {NEWEST_LIMIT:,}"),
            ("paused", "paused"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[EventSubscription]
    ) -> QuerySet[EventSubscription]:
        value = self.value()
        if value == "stale":
            return queryset.filter(pk__in=stale_ids())
        if value == "warnings":
            return warned(queryset)
        return queryset.filter(state="paused") if value == "paused" else queryset


class UnderWayFilter(SimpleListFilter):
    """Revalidations that have not ended."""

    title = "which"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("running", "under way")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Revalidation]
    ) -> QuerySet[Revalidation]:
        return queryset.filter(due_at__isnull=False) if self.value() else queryset
