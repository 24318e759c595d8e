"""The API's way in: straight to its views, past what Django does for people's pages.

Sessions, messages, CSRF, static files and much of what a handler does around each request are
nothing to the API, and a third of what a short read costs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, URLResolver, clear_script_prefix, get_resolver
from django.utils.functional import cached_property
from django.utils.log import log_response

from config.api.errors import API_PATH, in_the_envelope, is_api
from config.api.parsers import make_body_readable
from config.content_policy import policy_of

logger = logging.getLogger(__name__)

# RFC 9110, 8.6: these have no length either.
WITHOUT_BODY = {204, 304}
# How many paths are remembered with their views, of so many characters at most, and good hosts.
KEPT_PATHS, LONGEST_KEPT_PATH, KEPT_HOSTS = 1000, 200, 100

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class EntranceRequest(WSGIRequest):
    """Django's request, of a service at the root of its host, which finds less out twice."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        if not environ["PATH_INFO"].isascii():
            super().__init__(environ)
            return
        # What WSGIRequest makes of itself; a test holds one against the other.
        environ["SCRIPT_NAME"] = ""
        self.environ = self.META = environ
        self.path = self.path_info = environ["PATH_INFO"]
        self.method = environ["REQUEST_METHOD"].upper()
        self._set_content_type_params(environ)  # type: ignore[attr-defined]
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        self._stream = LimitedStream(environ["wsgi.input"], length)  # type: ignore[assignment]
        self._read_started = False
        self.resolver_match = None

    @cached_property
    def scheme(self) -> str | None:
        return WSGIRequest.scheme.fget(self)  # type: ignore[attr-defined,no-any-return]


class Handler(WSGIHandler):
    """Django's handler, which does less around requests of the API.

    These have one URL configuration and no file to send. Everything else is left to Django; so is a
    service that is mounted below a path of its own. What hooks into Django's `get_response`, and
    `process_view` of middleware, sees no request of the API.
    """

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        # The last two are Apache's.
        mounted_at = any(map(environ.get, ("SCRIPT_NAME", "SCRIPT_URL", "REDIRECT_URL")))
        if mounted_at or not environ.get("PATH_INFO", "").startswith(f"{API_PATH}/"):
            answer = super().__call__(environ, start_response)
            if mounted_at:
                clear_script_prefix()  # which this thread's next request would take for its own
            return _without_body(answer) if environ["REQUEST_METHOD"] == "HEAD" else answer
        request_started.send(sender=Handler, environ=environ)
        request = EntranceRequest(environ)
        response: Any = self._middleware_chain(request)  # type: ignore[attr-defined]
        response._resource_closers.append(request.close)
        response._handler_class = Handler
        if response.status_code >= 400:
            log_response(
                "%s: %s", response.reason_phrase, request.path, response=response, request=request
            )
        headers = list(response.headers._store.values())
        headers += [("Set-Cookie", each.OutputString()) for each in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        if request.method == "HEAD":
            return _without_body(response)
        if not isinstance(response, HttpResponse):
            return response
        # A list goes out in one piece with its headers; what is iterated goes out as a stream.
        body = [response.content]
        try:
            response.close()
        except Exception:
            # What was done is done, and whoever asked for it must know.
            logger.exception("The end of a request failed.")
        return body


def _without_body(response: HttpResponseBase) -> list[bytes]:
    """End an answer to HEAD: not every server drops what it has no place for (RFC 9110, 9.3.2)."""
    response.close()
    return []


class ApiMiddleware:
    """Answers requests of the API, past all middleware that comes after this in the list.

    Of that it does itself what the API needs: it refuses a wrong Host and plain HTTP, makes bodies
    readable, has errors in the envelope, and sends the headers that keep a browser safe.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._pages = get_response
        self._answer: GetResponse = convert_exception_to_response(self._admit)  # type: ignore[assignment]
        self._security = SecurityMiddleware(get_response)
        self._frames = XFrameOptionsMiddleware(get_response)
        self._safety: dict[tuple[bool, str], dict[str, tuple[str, str]]] = {}
        # Good for as long as this is there: ALLOWED_HOSTS does not change while a process runs.
        self._good_hosts: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self._pages(request)
        response = self._answer(request)
        if response.status_code >= 400:
            response = in_the_envelope(response)
        store = response.headers._store
        if isinstance(response, HttpResponse) and response.status_code not in WITHOUT_BODY:
            store.setdefault("content-length", ("Content-Length", str(len(response.content))))
        # By its private name, since one by one they cost as much as finding the view.
        response.headers._store = {**self._safe_headers(request), **store}
        return response

    def _admit(self, request: HttpRequest) -> HttpResponseBase:
        # Kept where Django looks when it makes an address of a path.
        request._current_scheme_host = f"{request.scheme}://{self._good_host(request)}"  # type: ignore[attr-defined]
        if not request.is_secure():
            to_https = self._security.process_request(request)
            if to_https is not None:
                return to_https
        make_body_readable(request)
        return answer_by_view(request)

    def _good_host(self, request: HttpRequest) -> str:
        """Return the host. Raises DisallowedHost, as Django does; one that was good stays so."""
        host: str = request._get_raw_host()  # type: ignore[attr-defined]
        if host not in self._good_hosts:
            host = request.get_host()
            if len(self._good_hosts) < KEPT_HOSTS:
                self._good_hosts.add(host)
        return host

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


def answer_by_view(request: HttpRequest) -> HttpResponseBase:
    """Have the view of the request's path answer. Raises Http404, and what the view raises."""
    resolver, path = get_resolver(), request.path_info
    match = (_found if len(path) <= LONGEST_KEPT_PATH else _found.__wrapped__)(resolver, path)
    request.resolver_match = match
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    # The pages of the documentation are templates.
    if hasattr(response, "render"):
        response = response.render()
    return response


@lru_cache(maxsize=KEPT_PATHS)
def _found(resolver: URLResolver, path: str) -> ResolverMatch:
    match = resolver.resolve(path)
    match.tried = None  # a list of all patterns before it, which only Django's DEBUG pages show
    return match
