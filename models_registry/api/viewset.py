"""The base of every view: paths, rights and bodies are checked before an action runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, update_wrapper
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import classonlymethod
from rest_framework import serializers, viewsets
from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.request import Request

from models_registry.api.paths import check_path
from models_registry.api.principals import Principal
from models_registry.api.queries import Query
from models_registry.api.requests import ApiRequest

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
        return _one_of_each(self.authentication_classes)

    def get_permissions(self) -> list[Any]:
        return _one_of_each(self.permission_classes)

    def get_throttles(self) -> list[Any]:
        return _one_of_each(self.throttle_classes)

    def get_parsers(self) -> list[Any]:
        return _one_of_each(self.parser_classes)

    def get_renderers(self) -> list[Any]:
        return _one_of_each(self.renderer_classes)

    def get_content_negotiator(self) -> Any:
        return _the(self.content_negotiation_class)  # type: ignore[arg-type]

    @classonlymethod
    def as_view(  # type: ignore[override]
        cls,  # noqa: N805
        actions: dict[str, str],
        **initkwargs: Any,
    ) -> Callable[..., HttpResponseBase]:
        """Return what answers at a path, such as for {"get": "retrieve", "put": "update"}.

        DRF's own makes a method of the instance for each action, for each request.
        """
        documented = super().as_view(actions, **initkwargs)  # type: ignore[arg-type]
        action_map = {**actions, **({"head": actions["get"]} if "get" in actions else {})}

        def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            self = cls(**initkwargs)
            self.action_map = action_map
            return self.dispatch(request, **kwargs)

        return update_wrapper(view, documented)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a request in the steps of DRF's `dispatch`, by the action of its method."""
        self.args, self.kwargs = args, kwargs
        self.action: str | None = (self.action_map or {}).get(str(request.method).lower())  # type: ignore[assignment]
        self.request = asked = self.initialize_request(request)
        try:
            self.initial(asked, **kwargs)
            if self.action is None:
                raise MethodNotAllowed(str(request.method))
            response: HttpResponseBase = getattr(self, self.action)(asked, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        if self.action is None:
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response

    @property
    def allowed_methods(self) -> list[str]:
        return [name.upper() for name in self.http_method_names if name in (self.action_map or {})]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        return ApiRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context={"view": self, "kwargs": self.kwargs},
        )

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


def _one_of_each(kinds: Any) -> list[Any]:
    return _instances(tuple(kinds))


@cache
def _instances(kinds: tuple[Any, ...]) -> list[Any]:
    return [_the(kind) for kind in kinds]


@cache
def _the(kind: Any) -> Any:
    """Return the one instance of a class."""
    return kind()


@cache
def _reader(body: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the one instance that reads all bodies of a kind: making one costs more than reading.

    A serializer that is given no data keeps nothing of what it reads.
    """
    return body()
