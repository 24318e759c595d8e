"""The list of what staff did: who, what, to which row."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from config.staff.base import StaffModelAdmin
from config.staff.showing import moment


@admin.register(LogEntry)
class LogEntryAdmin(StaffModelAdmin):
    list_display = ("when", "user", "content_type", "object_repr", "what")
    list_select_related = ("user", "content_type")
    search_fields = ("object_id",)
    search_help_text = "A model's, job's or subscription's id"
    ordering = ("-id",)

    def search(self, rows: QuerySet[LogEntry], words: str) -> QuerySet[LogEntry]:
        return rows.filter(object_id=words)

    @admin.display(description="When (UTC)")
    def when(self, entry: LogEntry) -> SafeString | str:
        return moment(entry.action_time)

    @admin.display(description="What")
    def what(self, entry: LogEntry) -> str:
        return str(entry.get_change_message())
