"""The base of every view: paths, rights and bodies are checked before an action runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from rest_framework import serializers, viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from models_registry.api.paths import check_path
from models_registry.api.principals import Principal
from models_registry.api.queries import Query

ANYTHING = "*/*"
# What most callers send, who need not be asked what else they would take.
ADMITS_JSON = {ANYTHING, "application/json", ""}


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

    # The URL of a representation does not name its format.
    format_kwarg = None

    # What judges and reads requests keeps nothing of them, so one of each serves all.
    def get_authenticators(self) -> list[Any]:
        return [_the(kind) for kind in self.authentication_classes]

    def get_permissions(self) -> list[Any]:
        return [_the(kind) for kind in self.permission_classes]

    def get_throttles(self) -> list[Any]:
        return [_the(kind) for kind in self.throttle_classes]

    def get_parsers(self) -> list[Any]:
        return [_the(kind) for kind in self.parser_classes]

    def get_renderers(self) -> list[Any]:
        return [_the(kind) for kind in self.renderer_classes]

    def get_content_negotiator(self) -> Any:
        return _the(self.content_negotiation_class)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        made = super().initialize_request(request, *args, **kwargs)
        # DRF would look for these in itself first, each time.
        made.method, made.META = request.method, request.META
        return made

    @property
    def default_response_headers(self) -> dict[str, str]:
        """What DRF puts into every answer; what a path allows is said where it was not known."""
        known = str(self.request.method).lower() in (self.action_map or {})
        return {} if known else {"Allow": ", ".join(self.allowed_methods)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.META.get("HTTP_ACCEPT", ANYTHING) not in ADMITS_JSON:
            self.perform_content_negotiation(request)
        self.check_permissions(request)
        self.check_throttles(request)
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


_made: dict[Any, Any] = {}


def _the(kind: Any) -> Any:
    """Return the one instance of a class."""
    if kind not in _made:
        _made[kind] = kind()
    return _made[kind]


@cache
def _reader(body: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the one instance that reads all bodies of a kind: making one costs more than reading.

    A serializer that is given no data keeps nothing of what it reads.
    """
    return body()
