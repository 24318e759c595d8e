"""The first page: what there is, what runs, what failed. Every number is that of a list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from config.staff import hours
from config.staff.base import as_uuid, list_url, page_url
from config.staff.chart import draw
from config.staff.concerns import stale_ids, warned
from config.staff.paging import COUNT_LIMIT, Count, count_some
from config.staff.showing import reason, tone
from models_registry.models import Job, JobStatus, Model, ModelStatus
from subscriptions.models import EventSubscription, Revalidation, SubscriptionStatus

FAILURES_SHOWN = 8
RUNS_SHOWN = 20


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the first page shows; of each part, only what the user may see."""
    user = request.user
    shown: dict[str, Any] = {}
    if user.has_perm("models_registry.view_model"):
        shown["models"] = _models()
    if user.has_perm("models_registry.view_job"):
        shown |= _jobs()
    if user.has_perm("subscriptions.view_eventsubscription"):
        shown["subscriptions"] = _subscriptions()
    if user.has_perm("subscriptions.view_revalidation"):
        shown |= {
            "runs": runs_under_way(),
            "runs_url": list_url(Revalidation, which="running"),
            "runs_from": progress_url(),
        }
    return shown


def progress(request: HttpRequest) -> HttpResponse:
    """Return the running revalidations, or the one that the address names, and how far each is."""
    allowed = request.user.has_perm("subscriptions.view_revalidation")
    named = request.GET.get("run")
    run_id = as_uuid(named) if named else None
    is_known = allowed and (run_id is not None or not named)
    return JsonResponse({"runs": runs_under_way(run_id) if is_known else []})


def progress_url(run: Revalidation | None = None) -> str:
    """Return the address that tells how far all runs are, or one."""
    return reverse("admin:progress", query={"run": run.pk} if run else None)


def _number(label: str, count: Count, url: str, status: str) -> dict[str, Any]:
    return {"label": label, "count": count, "url": url, "tone": tone(status) if count else "quiet"}


def _models() -> list[dict[str, Any]]:
    return [
        _number(
            str(status),
            count_some(Model.objects.filter(status=status)),
            list_url(Model, status__exact=str(status)),
            status,
        )
        for status in (ModelStatus.ACTIVE, ModelStatus.PENDING)
    ]


def _jobs() -> dict[str, Any]:
    """Return the last day's jobs by hour and in all, and the newest failures."""
    found = hours.last_hours()
    totals = [
        {
            "label": str(status),
            "count": Count(min(sum(hour.counts[status] for hour in found), COUNT_LIMIT + 1)),
            "url": list_url(Job, status__exact=str(status), made="day"),
            "tone": tone(status),
        }
        for status in hours.STATUSES
    ]
    failed = Job.objects.filter(status=JobStatus.FAILURE).order_by("-id")
    return {
        "chart": draw(found),
        "totals": totals,
        "failures": [
            {"job": job, "url": page_url(job), "reason": reason(job.error)}
            for job in failed.select_related("version").defer("input", "output")[:FAILURES_SHOWN]
        ],
        "failures_url": list_url(Job, status__exact=str(JobStatus.FAILURE)),
    }


def _subscriptions() -> list[dict[str, Any]]:
    rows = EventSubscription.objects
    counts = {
        "stale": Count(len(stale_ids())),
        "with warnings": count_some(warned(rows.all())),
        "paused": count_some(rows.filter(state=SubscriptionStatus.PAUSED)),
    }
    which = {"stale": "stale", "with warnings": "warnings", "paused": "paused"}
    statuses = {"stale": "stale", "with warnings": "stale", "paused": "paused"}
    return [
        _number(label, count, list_url(EventSubscription, which=which[label]), statuses[label])
        for label, count in counts.items()
    ]


def runs_under_way(run_id: UUID | None = None) -> list[dict[str, Any]]:
    """Return the revalidations under way, newest first, as the page and its script show them.

    With `run_id` that one alone, and nothing once it has ended.
    """
    running = Revalidation.objects.filter(due_at__isnull=False).defer("schema").order_by("-id")
    if run_id is not None:
        running = running.filter(pk=run_id)
    return [
        {
            "id": str(run.pk),
            "title": f"{run.model_id} {run.action}, version {run.version}",
            "url": page_url(run),
            "total": run.total,
            "checked": run.checked,
            "invalid": run.invalid,
        }
        for run in running[:RUNS_SHOWN]
    ]
