"""The query parameters that narrow a list."""

from __future__ import annotations

from django.db.models import QuerySet

from models_registry.api.pages import PAGING
from models_registry.api.queries import Query
from models_registry.models import Action, AuditEntry, Job, JobStatus
from models_registry.observability.audit_log import AuditAction

JOB_PARAMETERS = (*PAGING, "status", "job_type")
AUDIT_PARAMETERS = (*PAGING, "actor", "action", "model_id", "since", "until")


def filtered_jobs(query: Query, jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Narrow `jobs` by the query's `status` and `job_type`, as far as these are well-formed."""
    wanted = {
        "status": query.choice("status", JobStatus.values),
        "job_type": query.choice("job_type", Action.values),
    }
    return jobs.filter(**{name: value for name, value in wanted.items() if value is not None})


def filtered_audit(query: Query, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    """Narrow `entries` by the query's parameters, as far as these are well-formed."""
    wanted = {
        "action": query.choice("action", AuditAction.values),
        "actor": query.text("actor"),
        "model_id": query.text("model_id"),
        "created_at__gte": query.time("since"),
        "created_at__lt": query.time("until"),
    }
    return entries.filter(**{name: value for name, value in wanted.items() if value is not None})
