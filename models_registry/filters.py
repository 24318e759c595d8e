"""The query parameters that narrow a list."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.request import Request

from models_registry.errors import InvalidRequest
from models_registry.models import Action, Job, JobStatus


def filtered_jobs(request: Request, jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Narrow `jobs` by the query's `status` and `job_type`. Raises InvalidRequest."""
    for name, allowed in (("status", JobStatus.values), ("job_type", Action.values)):
        value = choice_parameter(request, name, allowed)
        if value is not None:
            jobs = jobs.filter(**{name: value})
    return jobs


def choice_parameter(request: Request, name: str, allowed: list[str]) -> str | None:
    """Return the query parameter `name`; None when it is absent. Raises InvalidRequest."""
    value = request.query_params.get(name)
    if value is not None and value not in allowed:
        raise InvalidRequest(f"The query parameter '{name}' must be one of {', '.join(allowed)}.")
    return value
