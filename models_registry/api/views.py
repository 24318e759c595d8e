"""The base of every view: paths, rights and bodies are checked before an action runs."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers, viewsets
from rest_framework.request import Request

from models_registry.api.pages import InvalidQuery, query_faults
from models_registry.api.paths import check_path


class ApiViewSet(viewsets.ViewSet):
    """A viewset that declares the scope and the body of each of its actions.

    `scopes` maps an action to the scope it needs, such as {"update": "manage_models"}, or to
    "public"; an action that is missing is refused to everybody. `bodies` maps an action to the
    serializer of its body; what it accepted is `self.body` when the action runs.
    """

    scopes: ClassVar[dict[str, str]] = {}
    bodies: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {}
    # No OPTIONS: it would describe to browsers what the OpenAPI document says in full.
    http_method_names = ["get", "head", "post", "put", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_path(kwargs)
        if not (self.action or "").startswith("list"):  # a list checks its own (`page`)
            faults = query_faults(request, ())
            if faults:
                raise InvalidQuery(faults=faults)
        body = self.bodies.get(self.action or "")
        if body is not None:
            serializer = body(data=request.data)
            serializer.is_valid(raise_exception=True)
            self.body: dict[str, Any] = serializer.validated_data
