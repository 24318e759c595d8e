"""A view with one action for each kind of right, for calls that need no database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from models_registry.api.responses import Response
from models_registry.api.viewset import ApiViewSet

MESSAGE = "This needs a valid bearer token."


class Probe(ApiViewSet):
    scopes = {
        "read": "read_models",
        "write": "manage_models",
        "complete": "complete_jobs",
        "health": "public",
        "misspelt": "read_model",
    }

    def read(self, request: Request, **kwargs: Any) -> Response:
        return Response({"subject": getattr(request.user, "subject", None)})

    write = complete = health = misspelt = undeclared = read


def call(
    action: str, token: str | None = None, *, method: str = "get", **kwargs: object
) -> HttpResponse:
    """Send `token` to one action of the probe and return the response."""
    authorization = None if token is None else f"Bearer {token}"
    return send(action, authorization, method=method, kwargs=kwargs)


def send(
    action: str,
    authorization: str | None,
    *,
    method: str = "get",
    kwargs: Mapping[str, object] = MappingProxyType({}),
) -> HttpResponse:
    """Send an `Authorization` header, which need not be a token; `kwargs` are the path's."""
    extra: dict[str, Any] = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    request = APIRequestFactory().generic(method.upper(), "/v2/probe", **extra)
    response: HttpResponse = Probe.as_view({"get": action})(
        request, **{name: str(value) for name, value in kwargs.items()}
    )
    return response


def assert_refused(response: HttpResponse) -> None:
    """Expect the one answer that every refused token gets."""
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    body = json.loads(response.content)
    assert (body["success"], body["message"]) == (False, MESSAGE)
