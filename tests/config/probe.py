"""A view with one action for each kind of right, for calls that need no database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

MESSAGE = "This needs a valid bearer token."


class Probe(viewsets.ViewSet):
    scopes = {
        "read": "read_models",
        "write": "manage_models",
        "complete": "complete_jobs",
        "health": "public",
        "misspelt": "read_model",
    }
    http_method_names = ["get", "head", "post", "put", "delete"]

    def read(self, request: Request, **kwargs: Any) -> Response:
        return Response({"subject": getattr(request.user, "subject", None)})

    write = complete = health = misspelt = undeclared = read


def call(
    action: str, token: str | None = None, *, method: str = "get", **kwargs: object
) -> Response:
    """Send `token` to one action of the probe and return the rendered response."""
    authorization = None if token is None else f"Bearer {token}"
    return send(action, authorization, method=method, kwargs=kwargs)


def send(
    action: str,
    authorization: str | None,
    *,
    method: str = "get",
    kwargs: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """Send an `Authorization` header, which need not be a token; `kwargs` are the path's."""
    extra: dict[str, Any] = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    request = APIRequestFactory().generic(method.upper(), "/v2/probe", **extra)
    response: Response = Probe.as_view({"get": action})(request, **kwargs)
    response.render()
    return response


def assert_refused(response: Response) -> None:
    """Expect the one answer that every refused token gets."""
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    body = json.loads(response.content)
    assert (body["success"], body["message"]) == (False, MESSAGE)
