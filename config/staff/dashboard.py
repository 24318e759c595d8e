"""The dashboard: numbers that link to the lists they count, the chart of jobs, the failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from config.staff import hours
from config.staff.attention import stale_ids, with_warnings
from config.staff.base import as_uuid
from config.staff.formatting import error_line, tone
from config.staff.links import list_url, page_url
from config.staff.paging import COUNT_LIMIT, Count, count_bounded
from models_registry.models import Job, JobStatus, Model, ModelStatus
from subscriptions.models import EventSubscription, Revalidation, SubscriptionStatus

FAILURES_SHOWN = 8
RUNS_SHOWN = 20
# The chart, in units of its SVG.
WIDTH, HEIGHT = 960, 180
LEFT, BOTTOM, TOP = 44, 24, 10
GAP = 4


def context(request: HttpRequest) -> dict[str, Any]:
    """Return the parts of the dashboard that the user may see."""
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
            "runs": runs_in_progress(),
            "runs_url": list_url(Revalidation, which="running"),
            "progress_url": progress_url(),
        }
    return shown


def progress(request: HttpRequest) -> HttpResponse:
    """Return the progress of the running revalidations, or of the one that the URL names."""
    allowed = request.user.has_perm("subscriptions.view_revalidation")
    named = request.GET.get("run")
    run_id = as_uuid(named) if named else None
    is_known = allowed and (run_id is not None or not named)
    return JsonResponse({"runs": runs_in_progress(run_id) if is_known else []})


def progress_url(run: Revalidation | None = None) -> str:
    """Return the URL of the progress of all runs, or of one."""
    return reverse("admin:progress", query={"run": run.pk} if run else None)


def _number(label: str, count: Count, url: str, status: str) -> dict[str, Any]:
    return {"label": label, "count": count, "url": url, "tone": tone(status) if count else "quiet"}


def _models() -> list[dict[str, Any]]:
    return [
        _number(
            str(status),
            count_bounded(Model.objects.filter(status=status)),
            list_url(Model, status__exact=str(status)),
            status,
        )
        for status in (ModelStatus.ACTIVE, ModelStatus.PENDING)
    ]


def _jobs() -> dict[str, Any]:
    """Return the jobs of the last 24 hours by hour and in total, and the newest failures."""
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
        "chart": draw_chart(found),
        "totals": totals,
        "failures": [
            {"job": job, "url": page_url(job), "error": error_line(job.error)}
            for job in failed.select_related("version").defer("input", "output")[:FAILURES_SHOWN]
        ],
        "failures_url": list_url(Job, status__exact=str(JobStatus.FAILURE)),
    }


def _subscriptions() -> list[dict[str, Any]]:
    rows = EventSubscription.objects
    counts = {
        "stale": Count(len(stale_ids())),
        "with warnings": count_bounded(with_warnings(rows.all())),
        "paused": count_bounded(rows.filter(state=SubscriptionStatus.PAUSED)),
    }
    which = {"stale": "stale", "with warnings": "warnings", "paused": "paused"}
    statuses = {"stale": "stale", "with warnings": "stale", "paused": "paused"}
    return [
        _number(label, count, list_url(EventSubscription, which=which[label]), statuses[label])
        for label, count in counts.items()
    ]


def runs_in_progress(run_id: UUID | None = None) -> list[dict[str, Any]]:
    """Return the revalidations in progress, newest first, for the page and its script.

    With `run_id` only that one, or nothing once it has ended.
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


def draw_chart(counted: Sequence[hours.Hour]) -> dict[str, Any]:
    """Return the coordinates of the stacked bars and grid lines, and the rows of the table."""
    highest = max((sum(hour.counts.values()) for hour in counted), default=0)
    top = _round_up(highest)
    step = (WIDTH - LEFT) / max(len(counted), 1)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "base": HEIGHT - BOTTOM,
        "is_empty": highest == 0,
        "lines": [{"y": _y(value, top), "value": value} for value in (0, top // 2, top)],
        "hours": [_bar(hour, LEFT + at * step, step, top) for at, hour in enumerate(counted)],
    }


def _bar(hour: hours.Hour, left: float, step: float, top: int) -> dict[str, Any]:
    """Return the bar of one hour: a part for each status with jobs, stacked from the bottom."""
    parts, below = [], 0
    for status, count in hour.counts.items():
        if not count:
            continue
        y = _y(below + int(count), top)
        parts.append(
            {
                "x": round(left + GAP / 2, 1),
                "y": y,
                "width": round(step - GAP, 1),
                "height": max(round(_y(below, top) - y, 1), 1),
                "tone": tone(status),
                "status": status,
                "count": count,
                "url": list_url(Job, status__exact=status, made=hour.start.strftime(hours.FORMAT)),
            }
        )
        below += int(count)
    shows_label = hour.start.hour % 3 == 0
    return {
        "start": hour.start,
        "label": f"{hour.start:%H}:00" if shows_label else "",
        "middle": round(left + step / 2, 1),
        "parts": parts,
    }


def _y(value: int, top: int) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)


def _round_up(highest: int) -> int:
    """Return the top of the scale: the next even number of one significant digit."""
    if highest <= 4:
        return 4
    unit = 10 ** (len(str(highest)) - 1)
    scale = next(factor * unit for factor in (1, 2, 4, 6, 8, 10) if factor * unit >= highest)
    return int(scale)
