"""The URLs of staff pages: a row, an action on it, a filtered list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse

from models_registry.models import Job


def page_url(row: Model) -> str:
    """Return the URL of a row's page."""
    return reverse(_name(row._meta, "change"), args=[quote(row.pk)])


def job_url(job_id: UUID) -> str:
    """Return the URL of a job's page without reading the job."""
    return reverse(_name(Job._meta, "change"), args=[job_id])


def act_url(row: Model, name: str) -> str:
    """Return the URL where an action on a row is confirmed."""
    return reverse(_name(row._meta, "act"), args=[quote(row.pk), name])


def list_url(model: type[Model], **filters: Any) -> str:
    """Return the URL of a model's list, filtered as its `list_filter` allows."""
    return reverse(_name(model._meta, "changelist"), query=filters or None)


def _name(opts: Any, page: str) -> str:
    return f"admin:{opts.app_label}_{opts.model_name}_{page}"
