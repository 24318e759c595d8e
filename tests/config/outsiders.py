"""Middleware as a stranger would write it: it uses every hook that Django has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class Outsider:
    """Says in headers which view answers and whether its answer is a template; answers bugs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers["X-View"] = getattr(request, "seen_view", "")
        return response

    def process_view(self, request: Any, view: Any, args: object, kwargs: object) -> None:
        request.seen_view = view.__name__

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse:
        return HttpResponse(type(error).__name__, status=418)

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        response.headers["X-Template"] = "yes"
        return response


class Unused:
    """Does not want to be used."""

    def __init__(self, get_response: object) -> None:
        raise MiddlewareNotUsed
