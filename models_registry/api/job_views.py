"""The operations on jobs, the audit log and health; each makes one service call or one read."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers, status
from rest_framework.request import Request

from models_registry.api import representations as show
from models_registry.api.idempotency import idempotent
from models_registry.api.openapi import job_operations
from models_registry.api.pages import PAGING, page
from models_registry.api.queries import Query
from models_registry.api.response_types import CompletionObject, HealthObject, RepeatedJobObject
from models_registry.api.responses import Response
from models_registry.api.serializers import CompleteJobRequest, EmptyRequest
from models_registry.api.viewset import ApiViewSet
from models_registry.models import Action, AuditEntry, Job, JobStatus
from models_registry.observability.audit_log import AuditAction
from models_registry.observability.readiness import readiness
from models_registry.services import completion, lookups, reruns

Bodies = dict[str, type[serializers.Serializer[Any]]]
Scopes = dict[str, str]
JOB_PARAMETERS = (*PAGING, "status", "job_type")
AUDIT_PARAMETERS = (*PAGING, "actor", "action", "model_id", "since", "until")
START_SCOPES = {Action.TRAINING: "run_training", Action.INFERENCE: "run_inference"}
NOT_READY = "The service can't answer requests at present; `checks` says what fails."


class JobViewSet(ApiViewSet):
    """Jobs: the whole list, a model's, and one by its id or by its whole path."""

    scopes: ClassVar[Scopes] = {
        "list": "read_models",
        "list_of_model": "read_models",
        "retrieve": "read_models",
        "retrieve_of_version": "read_models",
        "complete": "complete_jobs",
    }
    bodies: ClassVar[Bodies] = {"complete": CompleteJobRequest}

    @job_operations.list_jobs
    def list(self, request: Request) -> Response:
        return _job_page(request, Job.objects.all())

    @job_operations.list_model_jobs
    def list_of_model(self, request: Request, model_id: str) -> Response:
        lookups.require_model(model_id)
        return _job_page(request, Job.objects.filter(model_id=model_id))

    @job_operations.get_job
    def retrieve(self, request: Request, job_id: str) -> Response:
        return Response(show.job_object(lookups.get_job(UUID(job_id))))

    @job_operations.get_model_version_job
    def retrieve_of_version(
        self, request: Request, model_id: str, model_version: str, job_id: str
    ) -> Response:
        job = lookups.get_job(UUID(job_id), model_id=model_id, version=model_version)
        return Response(show.job_object(job))

    @job_operations.complete_model_job
    def complete(
        self, request: Request, model_id: str, model_version: str, job_id: str
    ) -> Response:
        job = completion.complete_job(
            model_id=model_id, version=model_version, job_id=UUID(job_id), **self.body
        )
        ended: CompletionObject = {
            "job_id": str(job.pk),
            "model_id": model_id,
            "model_version": model_version,
            "status": job.status,
            "triggered_events": job.triggered_events,
        }
        return Response(ended)


class RerunViewSet(ApiViewSet):
    """Retrying and cancelling, by those who may start such a job."""

    scopes: ClassVar[dict[str, str | tuple[str, ...]]] = {
        "retry": job_operations.STARTING,
        "cancel": job_operations.STARTING,
    }
    bodies: ClassVar[Bodies] = {"retry": EmptyRequest, "cancel": EmptyRequest}
    costly = frozenset({"retry"})

    @job_operations.retry_job
    @idempotent
    def retry(self, request: Request, job_id: str) -> Response:
        self._require_right_to(job_id)
        job = reruns.retry_job(job_id=UUID(job_id))
        return Response(
            RepeatedJobObject(job_id=str(job.pk)),
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": request.build_absolute_uri(f"/v2/jobs/{job.pk}")},
        )

    @job_operations.cancel_job
    def cancel(self, request: Request, job_id: str) -> Response:
        self._require_right_to(job_id)
        return Response(show.job_object(reruns.cancel_job(job_id=UUID(job_id))))

    def _require_right_to(self, job_id: str) -> None:
        self.require(START_SCOPES[Action(lookups.get_job(UUID(job_id)).job_type)])


class HealthViewSet(ApiViewSet):
    """Whether the process answers, and whether the service can do its work."""

    scopes: ClassVar[Scopes] = {"health": "public", "ready": "read_models"}
    # What the bearer of MONITORING_TOKEN may read.
    monitored: ClassVar[tuple[str, ...]] = ("ready",)

    @job_operations.get_health
    def health(self, request: Request) -> Response:
        return Response(HealthObject(status="ok"))

    @job_operations.get_readiness
    def ready(self, request: Request) -> Response:
        state, parts = readiness()
        headers = {"Cache-Control": "no-store"}
        if state != "unavailable":
            return Response({"status": state, "checks": parts}, headers=headers)
        refusal = {"success": False, "message": NOT_READY, "code": "not_ready"}
        return Response({**refusal, "checks": parts}, status=503, headers=headers)


class AuditViewSet(ApiViewSet):
    """The audit log."""

    scopes: ClassVar[Scopes] = {"list": "admin"}

    @job_operations.list_audit
    def list(self, request: Request) -> Response:
        query = Query(request, AUDIT_PARAMETERS)
        entries = _filtered_audit(query, AuditEntry.objects.all())
        rows, headers = page(request, entries, key=("-created_at", "-id"), query=query)
        return Response([show.audit_object(entry) for entry in rows], headers=headers)


def _job_page(request: Request, queryset: Any) -> Response:
    query = Query(request, JOB_PARAMETERS)
    jobs_found = _filtered_jobs(query, queryset.select_related("version"))
    rows, headers = page(request, jobs_found, key=("-id",), query=query)
    return Response([show.job_object(job) for job in rows], headers=headers)


def _filtered_jobs(query: Query, jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Narrow `jobs` by the query's `status` and `job_type`, as far as these are well-formed."""
    wanted = {
        "status": query.choice("status", JobStatus.values),
        "job_type": query.choice("job_type", Action.values),
    }
    return jobs.filter(**{name: value for name, value in wanted.items() if value is not None})


def _filtered_audit(query: Query, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    """Narrow `entries` by the query's parameters, as far as these are well-formed."""
    wanted = {
        "action": query.choice("action", AuditAction.values),
        "actor": query.text("actor"),
        "model_id": query.text("model_id"),
        "created_at__gte": query.time("since"),
        "created_at__lt": query.time("until"),
    }
    return entries.filter(**{name: value for name, value in wanted.items() if value is not None})
