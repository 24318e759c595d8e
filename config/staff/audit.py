"""Who did what: the audit log, the staff actions, and the users and groups of staff."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from config.staff.base import StaffList, StaffModelAdmin
from config.staff.formatting import moment
from models_registry.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(StaffModelAdmin):
    list_display = ("when", "action", "kind", "actor", "model_id", "version", "request_id")
    list_deferred = ("before", "after")
    search_fields = ("model_id",)
    search_help_text = "Model id"
    ordering = ("-created_at", "-id")

    def search(self, rows: QuerySet[AuditEntry], words: str) -> QuerySet[AuditEntry]:
        return rows.filter(model_id=words)

    @admin.display(description="When (UTC)")
    def when(self, entry: AuditEntry) -> SafeString | str:
        return moment(entry.created_at)

    @admin.display(description="Actor kind")
    def kind(self, entry: AuditEntry) -> str:
        return entry.actor_kind


@admin.register(LogEntry)
class LogEntryAdmin(StaffModelAdmin):
    list_display = ("when", "user", "content_type", "object_repr", "outcome")
    list_select_related = ("user", "content_type")
    search_fields = ("object_id",)
    search_help_text = "Model, job or subscription id"
    ordering = ("-id",)

    def search(self, rows: QuerySet[LogEntry], words: str) -> QuerySet[LogEntry]:
        return rows.filter(object_id=words)

    @admin.display(description="When (UTC)")
    def when(self, entry: LogEntry) -> SafeString | str:
        return moment(entry.action_time)

    @admin.display(description="Outcome")
    def outcome(self, entry: LogEntry) -> str:
        return str(entry.get_change_message())


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(StaffList, DjangoUserAdmin):  # type: ignore[misc,type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()


@admin.register(Group)
class GroupAdmin(StaffList, DjangoGroupAdmin):  # type: ignore[misc]
    filter_horizontal = ()
