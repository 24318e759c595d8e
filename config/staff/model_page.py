"""The context of a model's page, each part bounded: versions, contracts, subscriptions, jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from config.staff.formatting import duration
from config.staff.links import list_url, page_url
from config.staff.paging import count_bounded
from config.staff.schema_tree import schema_tree
from models_registry.models import INTERFACES, Action, Job, JobStatus, Model, ModelVersion
from subscriptions.models import EventSubscription

VERSIONS_SHOWN = 25
ROWS_SHOWN = 20


def timeline(model: Model) -> dict[str, Any]:
    """Return the newest versions, each with the duration of its training and of its service."""
    trainings = Job.objects.filter(version=OuterRef("pk"), job_type=Action.TRAINING)
    newest_training = trainings.order_by("-id")
    rows = ModelVersion.objects.filter(model=model).annotate(
        **{
            f"training_{name}": Subquery(newest_training.values(name)[:1])
            for name in ("status", "created_at", "started_at", "completed_at")
        }
    )
    newest = rows.defer("handlers", "handler_contracts").order_by("-number")[:VERSIONS_SHOWN]
    return {
        "versions": [_entry(model, version) for version in newest],
        "url": list_url(ModelVersion, model__id__exact=model.pk),
        "hidden": max(model.last_number - VERSIONS_SHOWN, 0),
    }


def _entry(model: Model, version: Any) -> dict[str, Any]:
    is_current = version.pk == model.current_version_id
    serves = timezone.now() - version.activated_at if is_current and version.activated_at else None
    parts = [_training(version), f"current for {duration(serves)}" if serves else ""]
    return {
        "version": version,
        "is_current": is_current,
        "url": page_url(version),
        "durations": ", ".join(filter(None, parts)),
    }


def _training(version: Any) -> str:
    """Return the duration of the newest training of a version; "" if it has none."""
    status, now = version.training_status, timezone.now()
    if status == JobStatus.PENDING:
        return f"training pending for {duration(now - version.training_created_at)}"
    started = version.training_started_at
    if status is None or started is None:
        return ""
    ran_for = duration((version.training_completed_at or now) - started)
    words = {JobStatus.STARTED: "training for", JobStatus.SUCCESS: "trained in"}
    return f"{words.get(status, 'training failed after')} {ran_for}"


def handlers(of: Model | ModelVersion) -> list[dict[str, Any]]:
    """Return the handler of each action: its type and its other settings."""
    shown = []
    for action in Action.values:
        handler = of.handlers.get(action) or {}
        rest = {key: value for key, value in handler.items() if key != "type"}
        shown.append({"action": action, "type": handler.get("type", ""), "rest": rest})
    return shown


def contracts(of: Model | ModelVersion) -> list[dict[str, Any]]:
    """Return the schema of each interface as a tree; None where there is no schema."""
    return [
        {
            "title": f"{action.capitalize()} {direction}",
            "tree": None if schema is None else schema_tree(schema),
        }
        for action, direction in INTERFACES
        for schema in [_schema(of.handler_contracts, action, direction)]
    ]


def _schema(contracts: Mapping[str, Any] | None, action: str, direction: str) -> Any:
    return ((contracts or {}).get(action) or {}).get(f"{direction}_schema")


def subscriptions(model: Model, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the newest subscriptions that run a model (with `actions`) and that it fires."""
    rows = EventSubscription.objects.defer("input")
    return [
        _first("Triggered by", rows.filter(target=model),
               list_url(EventSubscription, target__id__exact=model.pk)) | {"actions": actions},
        _first("Triggers", rows.filter(source=model),
               list_url(EventSubscription, source__id__exact=model.pk)),
    ]  # fmt: skip


def jobs(rows: QuerySet[Job], url: str) -> dict[str, Any]:
    """Return the newest of `rows`."""
    shown = rows.select_related("version").defer(
        "input", "output", "version__handlers", "version__handler_contracts", "version__metadata"
    )
    return _first("Jobs", shown, url)


def _first(title: str, rows: Any, url: str) -> dict[str, Any]:
    # The effective status needs a join with both models, so it is not part of the count.
    shown = rows.with_status() if rows.model is EventSubscription else rows
    newest: Iterable[Any] = shown.order_by("-id")[:ROWS_SHOWN]
    return {"title": title, "count": count_bounded(rows), "rows": list(newest), "url": url}
