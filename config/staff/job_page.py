"""What a job's page shows: what made the job, and what came of it, both only so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from config.staff.base import page_url
from config.staff.showing import pretty
from models_registry.models import OPEN_JOB, Job
from subscriptions.models import Trigger

# So far the chain is followed to either side.
LEVELS = 5
# So many triggers are shown of each level, over all branches.
WIDTH = 25


def state(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return what may change while the job or those after it run."""
    may_see = request.user.has_perm("subscriptions.view_trigger")
    below = _below(job) if may_see else []
    running = job.status in OPEN_JOB or any(
        entry["job"] is not None and entry["job"].status in OPEN_JOB for entry in _all(below)
    )
    return {
        "job": job,
        "above": _above(job) if may_see else [],
        "below": below,
        "may_see": may_see,
        "is_running": running,
        "output": None if job.output is None else pretty(job.output),
        "error": None if job.error is None else pretty(job.error),
    }


def retried(job: Job) -> Job | None:
    """Return the failed job that this one repeats, if it is still there."""
    return None if job.retry_of is None else Job.objects.filter(pk=job.retry_of).first()


def _above(job: Job) -> list[dict[str, Any]]:
    """Return what set the job off, the first cause first."""
    found: list[dict[str, Any]] = []
    current: Any = job.pk
    for _ in range(LEVELS):
        trigger = _triggers().filter(job=current).first()
        if trigger is None:
            break
        found.append(_entry(trigger, trigger.source_job))
        current = trigger.source_job_id
        if current is None:
            break
    else:
        found.append({"is_more": True})
    return found[::-1]


def _below(job: Job) -> list[dict[str, Any]]:
    """Return what the job set off, each with what that set off in turn."""
    root: list[dict[str, Any]] = []
    holders = {job.pk: root}
    for _ in range(LEVELS):
        found = list(_triggers().filter(source_job__in=list(holders)).order_by("id")[: WIDTH + 1])
        below: dict[Any, list[dict[str, Any]]] = {}
        for trigger in found[:WIDTH]:
            entry = _entry(trigger, trigger.job)
            holders[trigger.source_job_id].append(entry)
            if trigger.job is not None:
                below[trigger.job.pk] = entry["below"]
        for trigger in found[WIDTH:]:
            holders[trigger.source_job_id].append({"is_more": True})
        if not below:
            break
        holders = below
    return root


def _triggers() -> Any:
    # Inputs and outputs may be large, and none is shown here.
    large = [
        f"{job}__{name}"
        for job in ("job", "source_job")
        for name in ("input", "output", "version__handlers", "version__handler_contracts")
    ]
    rows = Trigger.objects.select_related("subscription", "job__version", "source_job__version")
    return rows.defer("subscription__input", *large)


def _entry(trigger: Trigger, job: Job | None) -> dict[str, Any]:
    return {
        "trigger": trigger,
        "job": job,
        "url": None if job is None else page_url(job),
        "subscription_url": page_url(trigger.subscription),
        "below": [],
    }


def _all(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if not entry.get("is_more"):
            yield entry
            yield from _all(entry["below"])
