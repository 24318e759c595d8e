"""What the API shows of a model, a version, a job and an entry of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import orjson

from models_registry.api.response_types import (
    AuditObject,
    CauseObject,
    FrozenVersionObject,
    JobObject,
    ModelAndVersion,
    ModelObject,
    VersionObject,
)
from models_registry.db.read_models import (
    Shown,
    StoredModel,
    StoredVersion,
    json_columns,
    timestamp,
)
from models_registry.models import AuditEntry, Job, Model, ModelVersion

# Puts text that is JSON already into an answer.
_stored: Any = orjson.Fragment


def model_object(model: Model) -> ModelObject:
    """Return `model` as the API shows it."""
    return cast("ModelObject", {name: getattr(model, name) for name in Model.SHOWN})


# By column of `SHOWN`: whether it is JSON.
MODEL_JSON, VERSION_JSON = json_columns(Model), json_columns(ModelVersion)


def stored_model_object(shown: Shown) -> ModelObject:
    """Return a model as the API shows it, its JSON put in as the text that is stored."""
    return cast("ModelObject", _stored_object(Model.SHOWN, MODEL_JSON, shown))


def _stored_object(names: Sequence[str], are_json: Sequence[bool], shown: Shown) -> dict[str, Any]:
    return {
        name: _stored(value) if is_json and value is not None else value
        for name, is_json, value in zip(names, are_json, shown, strict=True)
    }


def stored_model_and_version(model: StoredModel, version: StoredVersion) -> ModelAndVersion:
    """Return a model beside one of its versions, as they are stored."""
    shown = cast("VersionObject", _stored_object(ModelVersion.SHOWN, VERSION_JSON, version.shown))
    return {"version": shown, "model": stored_model_object(model.shown)}


def version_object(version: ModelVersion) -> VersionObject:
    """Return `version` as the API shows it beside its model and in lists."""
    return cast("VersionObject", {name: getattr(version, name) for name in ModelVersion.SHOWN})


def frozen_version_object(version: ModelVersion) -> FrozenVersionObject:
    """Return `version` as the API shows it by itself."""
    return {
        **version_object(version),
        "handlers": version.handlers,
        "handler_contracts": version.handler_contracts,
        "created_at": timestamp(version.created_at),
        "activated_at": timestamp(version.activated_at) if version.activated_at else None,
    }


def model_and_version(model: Model, version: ModelVersion) -> ModelAndVersion:
    """Return a model beside one of its versions."""
    return {"version": version_object(version), "model": model_object(model)}


def job_object(job: Job) -> JobObject:
    """Return `job`, whose version is loaded, as the API shows it."""
    return {
        "id": str(job.pk),
        "model_id": job.model_id,
        "model_version": job.version.version,
        "job_type": job.job_type,
        "status": job.status,
        "input": job.input,
        "output": job.output,
        "error": job.error,
        "warnings": job.warnings,
        "attempts": job.calls,
        "triggered_by": _cause(job),
        "retry_of": str(job.retry_of) if job.retry_of else None,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at) if job.started_at else None,
        "completed_at": timestamp(job.completed_at) if job.completed_at else None,
    }


def audit_object(entry: AuditEntry) -> AuditObject:
    """Return an entry of the audit log as the API shows it."""
    return {
        "id": entry.pk,
        "at": timestamp(entry.created_at),
        "action": entry.action,
        "actor": {
            "kind": entry.actor_kind,
            "name": entry.actor,
            "client_id": entry.client_id or None,
        },
        "model_id": entry.model_id or None,
        "model_version": entry.version or None,
        "job_id": str(entry.job_id) if entry.job_id else None,
        "subscription_id": str(entry.subscription_id) if entry.subscription_id else None,
        "before": entry.before,
        "after": entry.after,
        "request_id": entry.request_id or None,
    }


def _cause(job: Job) -> CauseObject | None:
    if job.triggered_by_id is None:
        return None
    by_job = job.triggered_by_job_id
    return {
        "subscription_id": str(job.triggered_by_id),
        "job_id": str(by_job) if by_job else None,
    }
