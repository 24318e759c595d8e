"""The operations by which the service is watched: its health and its audit log."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request

from models_registry.api import representations as show
from models_registry.api.filters import AUDIT_PARAMETERS, filtered_audit
from models_registry.api.openapi import audit_operations as documentation
from models_registry.api.pages import page
from models_registry.api.queries import Query
from models_registry.api.responses import Response
from models_registry.api.viewset import ApiViewSet
from models_registry.models import AuditEntry
from models_registry.observability.readiness import readiness

NOT_READY = "The service can't answer requests at present; `checks` says what fails."


class HealthViewSet(ApiViewSet):
    """Whether the process answers, and whether the service can do its work."""

    scopes: ClassVar[dict[str, str]] = {"health": "public", "ready": "read_models"}
    # What the bearer of MONITORING_TOKEN may read.
    monitored: ClassVar[tuple[str, ...]] = ("ready",)

    @documentation.get_health
    def health(self, request: Request) -> Response:
        return Response({"status": "ok"})

    @documentation.get_readiness
    def ready(self, request: Request) -> Response:
        status, parts = readiness()
        headers = {"Cache-Control": "no-store"}
        if status != "unavailable":
            return Response({"status": status, "checks": parts}, headers=headers)
        refusal = {"success": False, "message": NOT_READY, "code": "not_ready"}
        return Response({**refusal, "checks": parts}, status=503, headers=headers)


class AuditViewSet(ApiViewSet):
    """The audit log."""

    scopes: ClassVar[dict[str, str]] = {"list": "admin"}

    @documentation.list_audit
    def list(self, request: Request) -> Response:
        query = Query(request, AUDIT_PARAMETERS)
        entries = filtered_audit(query, AuditEntry.objects.all())
        rows, headers = page(request, entries, key=("-created_at", "-id"), query=query)
        return Response([show.audit_object(entry) for entry in rows], headers=headers)
