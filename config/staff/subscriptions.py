"""The lists and pages of subscriptions, triggers and revalidations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from config.staff import subscription_page
from config.staff.base import StaffModelAdmin, as_uuid
from config.staff.dashboard import progress_url, runs_in_progress
from config.staff.filters import AttentionFilter, InProgressFilter
from config.staff.formatting import NOTHING, badge, duration, link, moment, short_id
from config.staff.graph import can_view_graph
from config.staff.links import act_url, list_url
from config.staff.schema_tree import schema_tree
from config.staff.subscription_actions import Accept, AcceptAll, AcceptFitting, Pause, Resume
from models_registry.models import Model
from subscriptions.models import EventSubscription, Revalidation, Trigger

# Actions on all subscriptions of a target; the list shows them when it is filtered by target.
TARGET_ACTIONS = (AcceptFitting(), AcceptAll())


@admin.register(EventSubscription)
class EventSubscriptionAdmin(StaffModelAdmin):
    list_display = (
        "shown_id",
        "source_link",
        "event",
        "target_link",
        "action",
        "shown_status",
        "warning_count",
        "label",
        "created",
    )
    list_filter = (AttentionFilter,)
    search_fields = ("id",)
    search_help_text = "Subscription or model id"
    list_select_related = ("source", "target")
    list_deferred = (
        "input",
        "source__handlers",
        "source__handler_contracts",
        "source__metadata",
        "target__handlers",
        "target__handler_contracts",
        "target__metadata",
    )
    ordering = ("-id",)
    staff_actions = (Pause(), Resume(), Accept())
    page_template = "staff/subscription.html"
    change_list_template = "staff/subscription_list.html"

    def page_context(self, request: HttpRequest, row: EventSubscription) -> dict[str, Any]:
        return {**subscription_page.context(row), "can_view_graph": can_view_graph(request)}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        available_actions = _target_actions(request, request.GET.get("target__id__exact", ""))
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **available_actions}
        )
        return answer

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventSubscription]:
        return EventSubscription.objects.with_status()

    def search(self, rows: QuerySet[EventSubscription], words: str) -> QuerySet[EventSubscription]:
        found = as_uuid(words)
        by_model = Q(source_id=words) | Q(target_id=words)
        return rows.filter(by_model if found is None else Q(pk=found))

    @admin.display(description="Subscription")
    def shown_id(self, subscription: EventSubscription) -> SafeString:
        return short_id(subscription.pk)

    @admin.display(description="Source")
    def source_link(self, subscription: EventSubscription) -> SafeString:
        return link(subscription.source)

    @admin.display(description="Event")
    def event(self, subscription: EventSubscription) -> str:
        return subscription.trigger_event

    @admin.display(description="Target")
    def target_link(self, subscription: EventSubscription) -> SafeString:
        return link(subscription.target)

    @admin.display(description="Action")
    def action(self, subscription: EventSubscription) -> str:
        return subscription.target_action

    @admin.display(description="Status")
    def shown_status(self, subscription: EventSubscription) -> SafeString:
        """The effective status, which includes changed contracts."""
        return badge(subscription.effective_status)

    @admin.display(description="Warnings")
    def warning_count(self, subscription: EventSubscription) -> str:
        return str(len(subscription.warnings)) if subscription.has_warnings else NOTHING

    @admin.display(description="Created (UTC)")
    def created(self, subscription: EventSubscription) -> SafeString | str:
        return moment(subscription.created_at)


def _target_actions(request: HttpRequest, target_id: str) -> dict[str, Any]:
    """Return the actions on all subscriptions of the target that the list is filtered by."""
    target = Model.objects.filter(pk=target_id.replace("\0", "")).first() if target_id else None
    if target is None:
        return {}
    actions = [
        {"action": action, "url": act_url(target, action.name)}
        for action in TARGET_ACTIONS
        if request.user.has_perm(action.permission) and action.is_available(target)
    ]
    return {"target": target.pk, "available_actions": actions}


@admin.register(Trigger)
class TriggerAdmin(StaffModelAdmin):
    list_display = ("id", "subscription_link", "event", "job_link", "error", "created")
    search_fields = ("subscription",)
    search_help_text = "Subscription id"
    list_select_related = ("subscription", "job")
    list_deferred = ("subscription__input", "job__input", "job__output", "job__triggered_events")
    ordering = ("-id",)

    def search(self, rows: QuerySet[Trigger], words: str) -> QuerySet[Trigger]:
        found = as_uuid(words)
        return rows.none() if found is None else rows.filter(subscription_id=found)

    @admin.display(description="Subscription")
    def subscription_link(self, trigger: Trigger) -> SafeString:
        return link(trigger.subscription)

    @admin.display(description="Job")
    def job_link(self, trigger: Trigger) -> SafeString | str:
        return NOTHING if trigger.job is None else link(trigger.job, short_id(trigger.job_id))

    @admin.display(description="When (UTC)")
    def created(self, trigger: Trigger) -> SafeString | str:
        return moment(trigger.created_at)


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
    list_filter = (InProgressFilter,)
    search_fields = ("model",)
    search_help_text = "Model id"
    list_select_related = ("model",)
    list_deferred = ("schema", "model__handlers", "model__handler_contracts", "model__metadata")
    ordering = ("-id",)
    page_template = "staff/revalidation.html"

    def page_context(self, request: HttpRequest, row: Revalidation) -> dict[str, Any]:
        ended, started = row.finished_at, row.started_at
        target = {"target__id__exact": row.model_id, "which": "warnings"}
        return {
            "runs": runs_in_progress(row.pk),
            "progress_url": progress_url(row),
            "duration": duration(ended - started if ended and started else None),
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
