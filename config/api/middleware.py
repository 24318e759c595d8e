"""Middleware of the API: which middleware its requests pass, and errors in the envelope."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from config.api.errors import in_the_envelope, is_api
from config.api.parsers import make_body_readable

# RFC 9110, 8.6: a 204 has no length, and that of a 304 would be that of the whole answer.
WITHOUT_LENGTH = {204, 304}

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ApiHandler(BaseHandler):
    """Django's handler of requests, with the middleware of `settings.API_MIDDLEWARE`."""

    def load_middleware(self, is_async: bool = False) -> None:
        # Django loads the list of this one setting. It does so once, when the process starts.
        of_pages, settings.MIDDLEWARE = settings.MIDDLEWARE, settings.API_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = of_pages

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request; what the whole handler does around one is done already."""
        response: HttpResponseBase = self._middleware_chain(request)  # type: ignore[attr-defined]
        return response


class ApiMiddleware:
    """Answers requests of the API by `API_MIDDLEWARE`, past the rest of `MIDDLEWARE`.

    Sessions, messages, CSRF and static files are for pages; the API needs none of them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.handler = ApiHandler()
        self.handler.load_middleware()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        response = in_the_envelope(self.handler.get_response(request))
        if response.status_code in WITHOUT_LENGTH:
            del response.headers["Content-Length"]
        return response


class BodyMiddleware(MiddlewareMixin):
    """Makes bodies readable for the parser of the API."""

    def process_request(self, request: HttpRequest) -> None:
        make_body_readable(request)


class HeadMiddleware(MiddlewareMixin):
    """Sends no body in answer to HEAD (RFC 9110, 9.3.2), since not every server drops it."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.content = b""
        return response
