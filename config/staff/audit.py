"""The audit log: every change, by whomever, as the services recorded it."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from config.staff.base import StaffModelAdmin
from config.staff.showing import moment
from models_registry.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(StaffModelAdmin):
    list_display = ("when", "action", "kind", "actor", "model_id", "version", "request_id")
    list_deferred = ("before", "after")
    search_fields = ("model_id",)
    search_help_text = "A model's id"
    ordering = ("-created_at", "-id")

    def search(self, rows: QuerySet[AuditEntry], words: str) -> QuerySet[AuditEntry]:
        return rows.filter(model_id=words)

    @admin.display(description="When (UTC)")
    def when(self, entry: AuditEntry) -> SafeString | str:
        return moment(entry.created_at)

    @admin.display(description="Kind of actor")
    def kind(self, entry: AuditEntry) -> str:
        return entry.actor_kind
