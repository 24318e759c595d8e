"""The list of triggers: what fired which subscription, and what came of it."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from config.staff.base import StaffModelAdmin, as_uuid
from config.staff.showing import NOTHING, link, moment, short_id
from subscriptions.models import Trigger


@admin.register(Trigger)
class TriggerAdmin(StaffModelAdmin):
    list_display = ("id", "of_subscription", "event", "made_job", "error", "created")
    search_fields = ("subscription",)
    search_help_text = "A subscription's id"
    list_select_related = ("subscription", "job")
    list_deferred = ("subscription__input", "job__input", "job__output", "job__triggered_events")
    ordering = ("-id",)

    def search(self, rows: QuerySet[Trigger], words: str) -> QuerySet[Trigger]:
        found = as_uuid(words)
        return rows.none() if found is None else rows.filter(subscription_id=found)

    @admin.display(description="Subscription")
    def of_subscription(self, trigger: Trigger) -> SafeString:
        return link(trigger.subscription)

    @admin.display(description="Job")
    def made_job(self, trigger: Trigger) -> SafeString | str:
        return NOTHING if trigger.job is None else link(trigger.job, short_id(trigger.job_id))

    @admin.display(description="When (UTC)")
    def created(self, trigger: Trigger) -> SafeString | str:
        return moment(trigger.created_at)
