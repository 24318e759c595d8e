"""Where requests part: those of the API go straight to its views, the others through the pages'.

What Django's middleware does for people's pages (sessions, messages, CSRF, static files) is nothing
to the API, and passing it by is a sixth of what a short read costs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from config.api.errors import in_the_envelope, is_api
from config.api.parsers import make_body_readable
from config.content_policy import policy_of

# RFC 9110, 8.6: these have no length either.
WITHOUT_BODY = {204, 304}

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Django makes the last middleware first: when `ApiMiddleware` is made, the views are known.
_views: ContextVar[GetResponse] = ContextVar("views")


def straight_to_views(get_response: GetResponse) -> GetResponse:
    """Stand last in the list of middleware, and remember what comes after all of it."""
    _views.set(get_response)
    return get_response


class ApiMiddleware:
    """Answers requests of the API, past all middleware that comes after this in the list.

    Of that it does itself what the API needs: it refuses a wrong Host and plain HTTP, makes bodies
    readable, has errors in the envelope, and sends the headers that keep a browser safe.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._pages = get_response
        self._views = _views.get()
        self._answer: GetResponse = convert_exception_to_response(self._admit)  # type: ignore[assignment]
        self._security = SecurityMiddleware(get_response)
        self._frames = XFrameOptionsMiddleware(get_response)
        self._safety: dict[tuple[bool, str], dict[str, tuple[str, str]]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self._pages(request)
        response = in_the_envelope(self._answer(request))
        headers = response.headers
        if isinstance(response, HttpResponse) and response.status_code not in WITHOUT_BODY:
            headers.setdefault("Content-Length", str(len(response.content)))
        # By its private name, since one by one they cost as much as finding the view.
        headers._store = {**self._safe_headers(request), **headers._store}
        return response

    def _admit(self, request: HttpRequest) -> HttpResponseBase:
        request.get_host()  # raises DisallowedHost
        to_https = self._security.process_request(request)
        if to_https is not None:
            return to_https
        make_body_readable(request)
        return self._views(request)

    def _safe_headers(self, request: HttpRequest) -> dict[str, tuple[str, str]]:
        """Return what every answer of its kind says to browsers, as Django keeps headers."""
        kind = request.is_secure(), policy_of(request.path_info)
        if kind not in self._safety:
            blank = HttpResponse()
            del blank["Content-Type"]
            blank["Content-Security-Policy"] = kind[1]
            self._security.process_response(request, blank)
            self._frames.process_response(request, blank)
            self._safety[kind] = blank.headers._store
        return self._safety[kind]
