"""The subscriptions' tables for staff: readable and searchable; changed only through services."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from models_registry.admin import ReadOnlyAdmin
from subscriptions.models import EventSubscription, Revalidation, Trigger


@admin.register(EventSubscription)
class EventSubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("id", "source", "trigger_event", "target", "target_action", "status", "label")
    list_filter = ("state", "trigger_event", "target_action", "has_warnings")
    search_fields = ("=id", "source__id", "target__id", "label")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventSubscription]:
        return EventSubscription.objects.with_status()

    @admin.display(description="Status", ordering="effective_status")
    def status(self, subscription: EventSubscription) -> str:
        """The effective status, which takes changed contracts into account."""
        return subscription.effective_status


@admin.register(Trigger)
class TriggerAdmin(ReadOnlyAdmin):
    list_display = ("subscription", "event", "job", "error", "created_at")
    search_fields = ("=subscription__id", "event")
    list_select_related = ("subscription", "job")
    ordering = ("-id",)


@admin.register(Revalidation)
class RevalidationAdmin(ReadOnlyAdmin):
    list_display = ("model", "action", "version", "status", "total", "checked", "invalid")
    list_filter = ("status", "action")
    search_fields = ("model__id",)
    ordering = ("-id",)
