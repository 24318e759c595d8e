"""The base of every view: paths, rights and bodies are checked before an action runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, cast

from rest_framework import serializers, viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from models_registry.api.paths import check_path
from models_registry.api.principals import Principal
from models_registry.api.queries import Query


class ApiViewSet(viewsets.ViewSet):
    """A viewset that declares the scope and the body of each of its actions.

    `scopes` maps an action to the scope it needs, such as {"update": "manage_models"}, or to
    "public", or to several of which what is found decides (`require`); an action that is missing
    is refused to everybody. `bodies` maps an action to the
    serializer of its body; what it accepted is `self.body` when the action runs.
    """

    scopes: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}
    bodies: ClassVar[dict[str, type[serializers.Serializer[Any]]]] = {}
    # Actions that take query parameters, and say themselves what is wrong with them; so do lists.
    read_query: ClassVar[frozenset[str]] = frozenset()
    # Actions that take much of the service or start work; callers may ask for fewer of these.
    costly: ClassVar[frozenset[str]] = frozenset()
    # No OPTIONS: it would describe to browsers what the OpenAPI document says in full.
    http_method_names = ["get", "head", "post", "put", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_path(kwargs)
        action = self.action or ""
        reads_query = action in self.read_query or action.startswith("list")
        if not reads_query and request.META.get("QUERY_STRING"):
            Query(request, ()).refuse_faults()
        body = self.bodies.get(action)
        if body is not None:
            self.body: dict[str, Any] = _reader(body).run_validation(request.data)

    def require(self, scope: str) -> None:
        """Refuse (403) a caller without `scope`, for actions that declare several."""
        if not cast("Principal", self.request.user).may(scope):
            raise PermissionDenied(f"This needs the scope '{scope}'.")


@cache
def _reader(body: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the one instance that reads all bodies of a kind: making one costs more than reading.

    A serializer that is given no data keeps nothing of what it reads.
    """
    return body()
