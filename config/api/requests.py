"""What is said of every request: who acts, what its trace is, and one line in the log."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from models_registry.observability import metrics
from models_registry.observability.actor import (
    SYSTEM,
    Actor,
    ActorKind,
    acting,
    present_actor,
    set_actor,
)
from models_registry.observability.spans import Part, span
from models_registry.observability.tracing import (
    REQUEST_ID,
    present_trace,
    trace_of_request,
    tracing,
)

logger = logging.getLogger("modelpact.access")

REQUEST_ID_HEADER = "X-Request-ID"
# A path that leads nowhere has no route; as itself it would be anything that a caller likes.
NO_ROUTE = "(none)"

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# A caller may send any word as a method.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestMiddleware:
    """Begins or continues the request's trace, and writes its line in the log when it is over.

    Comes first, so that it sees what is really answered. A thread serves many requests: nothing
    of one may be left to the next.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        parent = request.META.get("HTTP_TRACEPARENT", "")
        trace = trace_of_request(given, parent)
        with acting(SYSTEM), tracing(trace), span("request", "server", parent=parent) as part:
            started = time.perf_counter()
            response = self.get_response(request)
            seconds = time.perf_counter() - started
            method, route = _method(request), route_of(request)
            _name(part, method, route, response)
            # The caller's own, even where the log goes on with that of a job.
            echoed = given if REQUEST_ID.fullmatch(given) else present_trace().request_id
            response.headers[REQUEST_ID_HEADER] = echoed
            status = str(response.status_code)
            metrics.REQUEST_SECONDS.labels(method, route, status).observe(seconds)
            _log(method, route, response, seconds, echoed=echoed)
        return response


class StaffActorMiddleware:
    """Names the user of the admin as the one who acts; comes after Django's authentication."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user: AbstractBaseUser = request.user  # type: ignore[assignment]
        if user.is_authenticated:
            set_actor(Actor(ActorKind.STAFF, user.get_username()))
        return self.get_response(request)


def route_of(request: HttpRequest) -> str:
    """Return the pattern of the request's path, such as "/v2/models/{model_id}"."""
    match = request.resolver_match
    return NO_ROUTE if match is None else "/" + PARAMETER.sub(r"{\1}", match.route)


def _name(part: Part, method: str, route: str, response: HttpResponseBase) -> None:
    """Name the request's span as OpenTelemetry's conventions for HTTP have it."""
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": response.status_code,
    }
    part.name(f"{method} {route}", **attributes)
    if response.status_code >= 500:
        part.failed("server_error")


def _method(request: HttpRequest) -> str:
    return str(request.method) if request.method in METHODS else "OTHER"


def _log(
    method: str, route: str, response: HttpResponseBase, seconds: float, *, echoed: str
) -> None:
    actor = present_actor()
    shown = {
        "method": method,
        "route": route,
        "status": response.status_code,
        "duration_ms": round(seconds * 1000, 1),
        "caller": "" if actor == SYSTEM else str(actor),
        "client_id": actor.client_id,
    }
    # A request that reports on a job goes on under the id of whoever asked for the job.
    if echoed != present_trace().request_id:
        shown["caller_request_id"] = echoed
    logger.info("%s %s %s", method, route, response.status_code, extra=shown)
