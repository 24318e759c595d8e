"""A view with one action for each kind of right, for calls that need no database."""

from __future__ import annotations

from typing import Any

from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory


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
        user = request.user
        return Response({"subject": user.subject if user else None})

    write = complete = health = misspelt = undeclared = read


def call(action: str, token: str | None = None, *, method: str = "get", **kwargs: Any) -> Response:
    """Send `token` to one action of the probe and return the rendered response."""
    headers = {} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return send(action, headers, method=method, **kwargs)


def send(action: str, headers: dict[str, str], *, method: str = "get", **kwargs: Any) -> Response:
    request = APIRequestFactory().generic(method.upper(), "/v2/probe", **headers)
    response: Response = Probe.as_view({"get": action})(request, **kwargs)
    return response.render()
