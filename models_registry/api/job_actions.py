"""The operations that repeat a failed job or cancel a pending one; each makes one service call."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers, status
from rest_framework.request import Request

from models_registry.api import representations as show
from models_registry.api.idempotency import idempotent
from models_registry.api.openapi import job_operations
from models_registry.api.responses import Response
from models_registry.api.serializers import EmptyRequest
from models_registry.api.viewset import ApiViewSet
from models_registry.models import Action
from models_registry.services import lookups, reruns

SCOPES = {Action.TRAINING: "run_training", Action.INFERENCE: "run_inference"}


class RerunViewSet(ApiViewSet):
    """Retrying and cancelling, by those who may start such a job."""

    scopes: ClassVar[dict[str, str | tuple[str, ...]]] = {
        "retry": job_operations.STARTING,
        "cancel": job_operations.STARTING,
    }
    bodies: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {
        "retry": EmptyRequest,
        "cancel": EmptyRequest,
    }
    costly = frozenset({"retry"})

    @job_operations.retry_job
    @idempotent
    def retry(self, request: Request, job_id: str) -> Response:
        self._require_right_to(job_id)
        job = reruns.retry_job(job_id=UUID(job_id))
        return Response(
            {"job_id": str(job.pk)},
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": request.build_absolute_uri(f"/v2/jobs/{job.pk}")},
        )

    @job_operations.cancel_job
    def cancel(self, request: Request, job_id: str) -> Response:
        self._require_right_to(job_id)
        return Response(show.job_object(reruns.cancel_job(job_id=UUID(job_id))))

    def _require_right_to(self, job_id: str) -> None:
        self.require(SCOPES[Action(lookups.get_job(UUID(job_id)).job_type)])
