"""The registry's tables for staff: readable and searchable; changed only through services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from models_registry.models import Job, Model, ModelVersion


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows and changes none: a save here would pass by the services."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Model)
class ModelModelAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "status", "current_version", "last_number", "updated_at")
    list_filter = ("status",)
    list_select_related = ("current_version",)
    search_fields = ("id", "name")
    ordering = ("id",)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("model", "version", "number", "status", "created_at", "activated_at")
    list_filter = ("status",)
    search_fields = ("model__id", "version")
    list_select_related = ("model",)
    ordering = ("-id",)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("id", "version", "job_type", "status", "attempts", "created_at", "completed_at")
    list_filter = ("status", "job_type", "origin")
    search_fields = ("=id", "model__id")
    list_select_related = ("version",)
    ordering = ("-id",)
