"""What the API shows of a model, a version and a job; a test holds it against the document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, cast

import orjson

from models_registry.db.read_models import (
    Shown,
    StoredModel,
    StoredVersion,
    json_columns,
    timestamp,
)
from models_registry.models import AuditEntry, Job, Model, ModelVersion


class ModelObject(TypedDict):
    """The API page's Model."""

    id: str
    name: str
    description: str
    handlers: dict[str, Any]
    handler_contracts: dict[str, Any] | None
    metadata: dict[str, Any]
    status: str


class VersionObject(TypedDict):
    """The API page's Version."""

    version: str
    description: str
    metadata: dict[str, Any]
    status: str


class FrozenVersionObject(VersionObject):
    """A version by itself, which also shows what was frozen in it."""

    handlers: dict[str, Any]
    handler_contracts: dict[str, Any] | None
    created_at: str
    activated_at: str | None


class ModelAndVersion(TypedDict):
    """What reads and changes of one model answer."""

    version: VersionObject
    model: ModelObject


class JobObject(TypedDict):
    """The API page's Job."""

    id: str
    model_id: str
    model_version: str
    job_type: str
    status: str
    input: dict[str, Any]
    output: dict[str, Any] | None
    error: dict[str, Any] | None
    warnings: list[str]
    attempts: int
    triggered_by: dict[str, str | None] | None
    retry_of: str | None
    created_at: str
    started_at: str | None
    completed_at: str | None


class AuditObject(TypedDict):
    """One entry of the audit log; "" and None of a row are null here."""

    id: int
    at: str
    action: str
    actor: dict[str, str | None]
    model_id: str | None
    model_version: str | None
    job_id: str | None
    subscription_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


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


def _cause(job: Job) -> dict[str, str | None] | None:
    if job.triggered_by_id is None:
        return None
    by_job = job.triggered_by_job_id
    return {
        "subscription_id": str(job.triggered_by_id),
        "job_id": str(by_job) if by_job else None,
    }
