"""The list of subscriptions, and a subscription's page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from config.staff import subscription_page
from config.staff.base import StaffModelAdmin, act_url, as_uuid
from config.staff.chains import may_see
from config.staff.filters import ConcernFilter
from config.staff.showing import NOTHING, badge, link, moment, short_id
from config.staff.subscription_actions import Accept, AcceptAll, AcceptFitting, Pause, Resume
from models_registry.models import Model
from subscriptions.models import EventSubscription

# To all that run a model, offered where the list shows those.
OF_TARGET = (AcceptFitting(), AcceptAll())


@admin.register(EventSubscription)
class EventSubscriptionAdmin(StaffModelAdmin):
    list_display = (
        "shown_id",
        "from_model",
        "has",
        "to_model",
        "runs",
        "shown_status",
        "warns",
        "label",
        "created",
    )
    list_filter = (ConcernFilter,)
    search_fields = ("id",)
    search_help_text = "A subscription's id, or a model's"
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
        return {**subscription_page.context(row), "may_see_chains": may_see(request)}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        offered = _offered_for(request, request.GET.get("target__id__exact", ""))
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **offered}
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

    @admin.display(description="When this model")
    def from_model(self, subscription: EventSubscription) -> SafeString:
        return link(subscription.source)

    @admin.display(description="Has")
    def has(self, subscription: EventSubscription) -> str:
        return subscription.trigger_event

    @admin.display(description="Then this model")
    def to_model(self, subscription: EventSubscription) -> SafeString:
        return link(subscription.target)

    @admin.display(description="Runs")
    def runs(self, subscription: EventSubscription) -> str:
        return subscription.target_action

    @admin.display(description="Status")
    def shown_status(self, subscription: EventSubscription) -> SafeString:
        """The effective status, which takes changed contracts into account."""
        return badge(subscription.effective_status)

    @admin.display(description="Warnings")
    def warns(self, subscription: EventSubscription) -> str:
        return str(len(subscription.warnings)) if subscription.has_warnings else NOTHING

    @admin.display(description="Made (UTC)")
    def created(self, subscription: EventSubscription) -> SafeString | str:
        return moment(subscription.created_at)


def _offered_for(request: HttpRequest, target_id: str) -> dict[str, Any]:
    """Return what this user may do to all subscriptions that run the model of a list's filter."""
    target = Model.objects.filter(pk=target_id.replace("\0", "")).first() if target_id else None
    if target is None:
        return {}
    actions = [
        {"action": action, "url": act_url(target, action.name)}
        for action in OF_TARGET
        if request.user.has_perm(action.permission) and action.is_offered(target)
    ]
    return {"target": target.pk, "offered": actions}
