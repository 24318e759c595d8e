"""Every error of the API, whatever raised it, in the one envelope that the API page owes."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.views import defaults
from rest_framework import exceptions
from rest_framework.settings import api_settings

from models_registry.api.responses import Response
from models_registry.contracts.strict_json import pointer
from models_registry.errors import FAULTS_SHOWN, DomainError, Fault

logger = logging.getLogger(__name__)

API_PATH = "/v2"
DATABASE_RETRY_AFTER_SECONDS = 5
PATH_SHOWN_CHARACTERS = 500

# What is said of a status when nothing raised says more: code and message.
PLAIN: dict[int, tuple[str, str]] = {
    400: ("invalid_request", "The request is malformed."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is nothing at this path. Paths have no trailing slash."),
    405: ("method_not_allowed", "This path does not take this method."),
    413: ("body_too_large", "The body is too large."),
    500: ("internal_error", "Something went wrong here, not in your request. It was logged."),
}


@dataclass(frozen=True)
class Refusal:
    """An error, ready to be answered."""

    status: int
    code: str
    message: str
    faults: Iterable[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def envelope(self) -> dict[str, Any]:
        """Return the body: as many faults as a person can use, "errors" only if there are any."""
        body: dict[str, Any] = {"success": False, "message": self.message, "code": self.code}
        faults = list(self.faults)
        if faults:
            shown = faults[:FAULTS_SHOWN]
            if len(faults) > FAULTS_SHOWN:
                shown.append(Fault("", "And more."))
            body["errors"] = [
                {"path": _shown_path(fault.path), "message": fault.message} for fault in shown
            ]
        return body


def _shown_path(path: str) -> str:
    """Return a pointer, or where it is too long, that of what holds it: never half of one."""
    if len(path) <= PATH_SHOWN_CHARACTERS:
        return path
    return path[: path.rfind("/", 0, PATH_SHOWN_CHARACTERS + 1)]


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer what a DRF view raised.

    None for what is not a refusal but a fault of ours: DRF raises it again, Django logs it with
    its traceback and `handler500` answers.
    """
    for kinds, explain in EXPLANATIONS:
        if isinstance(exc, kinds):
            refusal = explain(exc)
            return Response(
                refusal.envelope(), status=refusal.status, headers=dict(refusal.headers)
            )
    return None


def in_the_envelope(response: HttpResponseBase) -> HttpResponseBase:
    """Put an answer of the API that is an error into the envelope if it is not in it yet.

    Such as a bad Host header and the pages of Django's DEBUG mode.
    """
    if response.status_code < 400 or _is_json(response):
        return response
    answer = _answer(plain_refusal(response.status_code))
    for name, value in response.items():
        answer.headers.setdefault(name, value)
    answer.cookies = response.cookies
    return answer


def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request):
        return _answer(plain_refusal(413 if isinstance(exception, RequestDataTooBig) else 400))
    return defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request):
        return _answer(plain_refusal(403))
    return defaults.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request):
        return _answer(plain_refusal(404))
    return defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponseBase:
    if is_api(request):
        return _answer(plain_refusal(500))
    return defaults.server_error(request)


def is_api(request: HttpRequest) -> bool:
    return request.path_info == API_PATH or request.path_info.startswith(f"{API_PATH}/")


def _is_json(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").startswith("application/json")


def _answer(refusal: Refusal) -> HttpResponse:
    body = orjson.dumps(refusal.envelope())
    headers = {**refusal.headers, "Content-Length": str(len(body))}
    return HttpResponse(
        body, status=refusal.status, headers=headers, content_type="application/json"
    )


def plain_refusal(status: int) -> Refusal:
    """Return what is said of a status of which nothing more is known."""
    phrase = responses.get(status, "Error")
    snake_case = re.sub(r"[^a-z]+", "_", phrase.lower().replace("'", ""))
    return Refusal(status, *PLAIN.get(status, (snake_case, f"{phrase}.")))


def _of_domain(exc: DomainError) -> Refusal:
    headers = {}
    if exc.retry_after_seconds is not None:
        headers["Retry-After"] = str(exc.retry_after_seconds)
    return Refusal(exc.status, exc.code, exc.message, exc.faults, headers)


def _of_validation(exc: exceptions.ValidationError) -> Refusal:
    return Refusal(exc.status_code, *PLAIN[400], tuple(faults_of(exc.detail)))


def _of_drf(exc: exceptions.APIException) -> Refusal:
    code = exc.detail.code if isinstance(exc.detail, exceptions.ErrorDetail) else None
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait_seconds := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait_seconds))
    return Refusal(exc.status_code, code or exc.default_code, str(exc.detail), headers=headers)


def _of_status(status: int) -> Callable[[Exception], Refusal]:
    return lambda exc: plain_refusal(status)


def _of_big_body(exc: Exception) -> Refusal:
    code, _ = PLAIN[413]
    return Refusal(413, code, f"The body may have at most {settings.BODY_LIMIT_BYTES} bytes.")


def _of_cut_off_body(exc: Exception) -> Refusal:
    return Refusal(400, "body_cut_off", "The body could not be read to its end.")


def _of_database(exc: Exception) -> Refusal:
    logger.error("The database failed under a request.", exc_info=exc)
    return Refusal(
        503,
        "database_unavailable",
        # Whether a COMMIT whose answer got lost took effect can't be known.
        "The database can't be reached or is too busy. The request may have been carried out;"
        " repeat it with the same Idempotency-Key.",
        headers={"Retry-After": str(DATABASE_RETRY_AFTER_SECONDS)},
    )


Kinds = type[Exception] | tuple[type[Exception], ...]
# The first that fits explains: subclasses stand before their bases.
EXPLANATIONS: tuple[tuple[Kinds, Callable[[Any], Refusal]], ...] = (
    (DomainError, _of_domain),
    (exceptions.ValidationError, _of_validation),
    (exceptions.APIException, _of_drf),
    (Http404, _of_status(404)),
    (DjangoPermissionDenied, _of_status(403)),
    ((OperationalError, InterfaceError), _of_database),
    (RequestDataTooBig, _of_big_body),
    ((SuspiciousOperation, BadRequest), _of_status(400)),
    (UnreadablePostError, _of_cut_off_body),
)


def faults_of(detail: Any, path: str = "") -> Iterable[Fault]:
    """Yield what is wrong in a serializer's error detail, nested as the body is.

    `{"handlers": {"training": {"arn": ["Too long."]}}}` gives
    `Fault("/handlers/training/arn", "Too long.")`; errors that belong to an object as a whole
    get the object's own pointer.
    """
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            whole = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from faults_of(inner, path if whole else pointer(path, key))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            yield from faults_of(inner, path if isinstance(inner, str) else pointer(path, index))
    else:
        yield Fault(path, str(detail))
