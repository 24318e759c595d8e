"""The list of versions, the page of a version, and the actions on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from config.staff import model_page
from config.staff.actions import StaffAction
from config.staff.base import StaffModelAdmin
from config.staff.formatting import badge, link, moment, pretty
from config.staff.links import list_url, page_url
from config.staff.paging import count_bounded
from models_registry.models import (
    VERSION_TRANSITIONS,
    Action,
    Job,
    Model,
    ModelVersion,
    VersionStatus,
)
from models_registry.services.jobs import request_training
from models_registry.services.versions import set_version_status
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent


class Activate(StaffAction[ModelVersion]):
    """Makes a version the current one; on an older version this is a rollback."""

    name = "activate"
    label = "Activate"
    permission = "models_registry.change_modelversion"
    is_dangerous = True

    def is_available(self, row: ModelVersion) -> bool:
        if row.status == VersionStatus.ACTIVE:
            return row.model.current_version_id != row.pk
        return VersionStatus.ACTIVE in VERSION_TRANSITIONS[row.status]

    def effects(self, row: ModelVersion) -> Iterator[str]:
        current = row.model.current_version
        yield f"Version {row.version} of {row.model_id} becomes current; events run it."
        if current is not None and current.pk == row.pk:
            yield "It is already current: nothing changes."
        elif current is not None:
            is_back = current.number > row.number
            verb = "rolls back from" if is_back else "replaces"
            yield f"It {verb} version {current.version}, which stays active."
        if row.status != VersionStatus.TRAINING:
            yield "No subscription fires: only the end of a training fires them."
        else:
            fires = count_bounded(_fires(row.model_id))
            yield f"Subscriptions that fire, each with a job, because its training ends: {fires}."

    def perform(self, row: ModelVersion) -> str:
        change = set_version_status(model_id=row.model_id, version=row.version, status="active")
        fired = len(change.triggered_events)
        return f"Version {row.version} of {row.model_id} is current. Subscriptions fired: {fired}."

    def next_url(self, row: ModelVersion) -> str:
        return page_url(row.model)


class Retrain(StaffAction[ModelVersion]):
    """Requests another training of a version, with the input of the last one."""

    name = "train"
    label = "Retrain"
    permission = "models_registry.operate_modelversion"

    def effects(self, row: ModelVersion) -> Iterator[str]:
        yield f"A new training job for version {row.version} of {row.model_id} is dispatched."
        last = _last_training(row.model_id)
        yield (
            "Its input is empty: no training of this model was requested manually."
            if last is None
            else f"Its input is that of the last training requested manually, job {last.pk}."
        )
        if row.status == VersionStatus.ACTIVE:
            yield "The version stays active and serves during the training."
        else:
            yield "The version is in training until the handler reports its end."
        fires = count_bounded(_fires(row.model_id))
        yield f"If it succeeds, it becomes the current version. Subscriptions that fire: {fires}."
        yield "If it fails, the version fails too; the last active version, if any, is current."

    def perform(self, row: ModelVersion) -> str:
        last = _last_training(row.model_id)
        given: dict[str, Any] = {} if last is None else last.input
        job = request_training(model_id=row.model_id, version=row.version, input=given)
        return f"Training job {job.pk} is created."

    def next_url(self, row: ModelVersion) -> str:
        return page_url(row.model)


def _fires(model_id: str) -> Any:
    """Return the subscriptions that the end of a model's training fires."""
    fires = Q(state=SubscriptionStatus.ACTIVE, target_differs=False, source_differs=False)
    return EventSubscription.objects.with_status().filter(
        fires, source_id=model_id, trigger_event=TriggerEvent.TRAINING_COMPLETE
    )


def _last_training(model_id: str) -> Job | None:
    by_hand = Job.objects.filter(model_id=model_id, job_type=Action.TRAINING, origin="manual")
    return by_hand.order_by("-id").first()


@admin.register(ModelVersion)
class ModelVersionAdmin(StaffModelAdmin):
    list_display = ("version", "of_model", "shown_status", "created", "activated")
    search_fields = ("model",)
    search_help_text = "Model id"
    list_select_related = ("model",)
    list_deferred = (
        "handlers",
        "handler_contracts",
        "metadata",
        "model__handlers",
        "model__handler_contracts",
        "model__metadata",
        "model__current_version__handlers",
        "model__current_version__handler_contracts",
        "model__current_version__metadata",
    )
    ordering = ("-id",)
    staff_actions = (Activate(), Retrain())
    page_template = "staff/version.html"

    def search(self, rows: QuerySet[ModelVersion], words: str) -> QuerySet[ModelVersion]:
        return rows.filter(model_id=words)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        return ModelVersion.objects.select_related("model__current_version")

    def page_context(self, request: HttpRequest, row: ModelVersion) -> dict[str, Any]:
        return {
            "crumbs": [
                {"title": "Models", "url": list_url(Model)},
                {"title": row.model_id, "url": page_url(row.model)},
            ],
            "title": f"Version {row.version}",
            "is_current": row.model.current_version_id == row.pk,
            "metadata": pretty(row.metadata),
            "handlers": model_page.handlers(row),
            "contracts": model_page.contracts(row),
            "jobs": jobs_of(request, Job.objects.filter(version=row), version__id__exact=row.pk),
            "compare_url": reverse("admin:models_registry_model_compare", args=[row.model_id]),
        }

    @admin.display(description="Model")
    def of_model(self, version: ModelVersion) -> SafeString:
        return link(version.model)

    @admin.display(description="Status")
    def shown_status(self, version: ModelVersion) -> SafeString:
        return badge(version.status)

    @admin.display(description="Created (UTC)")
    def created(self, version: ModelVersion) -> SafeString | str:
        return moment(version.created_at)

    @admin.display(description="Activated (UTC)")
    def activated(self, version: ModelVersion) -> SafeString | str:
        return moment(version.activated_at)


def jobs_of(request: HttpRequest, rows: QuerySet[Job], **filters: Any) -> dict[str, Any] | None:
    """Return the newest of `rows`, each with its actions; None if the user may see no jobs."""
    if not request.user.has_perm("models_registry.view_job"):
        return None
    shown = model_page.jobs(rows, list_url(Job, **filters))
    for job in shown["rows"]:
        job.available_actions = actions_on(request, job)
    return shown


def actions_on(request: HttpRequest, row: Any) -> list[dict[str, Any]]:
    """Return the actions that the user may perform on a row, for pages with several rows."""
    page: Any = admin.site.get_model_admin(type(row))
    actions: list[dict[str, Any]] = page.available_actions(request, row)
    return actions
