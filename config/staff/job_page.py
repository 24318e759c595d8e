"""The context of a job's page: what triggered the job, and what it triggered, both bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from config.staff.formatting import pretty
from config.staff.links import page_url
from models_registry.models import OPEN_JOB, Job
from subscriptions.models import Trigger

# How many levels of the chain are followed in each direction.
LEVELS = 5
# How many triggers are shown per level, over all branches.
WIDTH = 25


def state(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return what can change while the job, or a job that it triggered, runs."""
    can_view_chain = request.user.has_perm("subscriptions.view_trigger")
    below = _below(job) if can_view_chain else []
    running = job.status in OPEN_JOB or any(
        entry["job"] is not None and entry["job"].status in OPEN_JOB for entry in _all(below)
    )
    return {
        "job": job,
        "above": _above(job) if can_view_chain else [],
        "below": below,
        "can_view_chain": can_view_chain,
        "is_running": running,
        "output": None if job.output is None else pretty(job.output),
        "error": None if job.error is None else pretty(job.error),
    }


def retried(job: Job) -> Job | None:
    """Return the failed job that this one retries; None if there is none or it is deleted."""
    return None if job.retry_of is None else Job.objects.filter(pk=job.retry_of).first()


def _above(job: Job) -> list[dict[str, Any]]:
    """Return the triggers that led to the job, the first cause first."""
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
    """Return the triggers that the job caused, each with those below it."""
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
    # Inputs and outputs may be large, and are not shown here.
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
