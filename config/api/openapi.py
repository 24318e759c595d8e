"""How drf-spectacular describes the operations."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from config.api.permissions import PUBLIC, declared_scope


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Names the bearer token in the document."""

    target_class = "config.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A JWT of the configured issuer, or a job's callback token.",
        }


class OperationSchema(AutoSchema):
    """Leaves the token out where an operation is public, and answers as they are described."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Else what an action called `list` answers is wrapped into an array once more.
        return False

    def _get_request_body(self, direction: Any = "request") -> Any:
        # Every POST and PUT has a body, be it {}; left to itself, the document would say that one
        # without required fields may be left out.
        body = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        return body and {**body, "required": True}

    def get_auth(self) -> list[dict[str, Any]]:
        if declared_scope(self.view) == PUBLIC:
            return []
        auth: list[dict[str, Any]] = super().get_auth()
        return auth
