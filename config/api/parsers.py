"""The one way a request's body is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.http import HttpRequest
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from models_registry.contracts.strict_json import MalformedJSON, read_json

JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]*\+)?json")
# What a Content-Type looks like that Django can read; "*" would begin an RFC 2231 parameter.
READABLE_TYPE = re.compile(r"[\x20-\x29\x2b-\x7e]{0,256}")
METHODS_WITH_BODY = {"POST", "PUT", "PATCH"}


class StrictJSONParser(BaseParser):
    """Takes a JSON object in UTF-8, and nothing else."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the request's JSON object.

        Raises UnsupportedMediaType, MalformedJSON, and Django's RequestDataTooBig, which
        `config.api.errors` answers with 413. A missing type is told apart from a wrong one:
        what is wrong with an empty request is that it is empty.
        """
        assert parser_context is not None
        if media_type and not is_json(media_type):
            raise _unsupported(media_type)
        request = parser_context["request"]
        body: bytes = request.body
        if not body:
            raise MalformedJSON("The request has no body; send a JSON object.")
        if not media_type:
            raise _unsupported("")
        if len(body) < _declared_length(request.META):
            raise MalformedJSON("The body ended before its Content-Length.")
        value = read_json(body, depth_limit=settings.BODY_DEPTH_LIMIT)
        if not isinstance(value, dict):
            raise MalformedJSON("The body must be a JSON object.")
        return value


def make_body_readable(request: HttpRequest) -> None:
    """Show DRF the body that it would take for `{}`, and fix the encoding.

    DRF calls no parser when there is no Content-Length: a chunked PUT, or an empty one, would
    succeed and do nothing. And Django decodes the query string by the charset of the
    Content-Type, which lets a caller choose one that is slow (punycode) or deceptive (utf-7).
    Nothing is read here, so that 401 comes before the body does.
    """
    if request.encoding is not None:  # setting it has the query string read once more
        request.encoding = "utf-8"
    if request.method in METHODS_WITH_BODY and _declared_length(request.META) <= 0:
        # -1: of unknown length, which DRF takes for a body to parse.
        request.META["CONTENT_LENGTH"] = "-1"
        if isinstance(request, WSGIRequest) and request.environ.get("wsgi.input_terminated"):
            # Django 5.2 reads nothing of a chunked body (its ticket 35838). One byte more than may
            # be taken is enough to see that it is too long.
            request._stream = LimitedStream(  # type: ignore[assignment]  # noqa: SLF001
                request.environ["wsgi.input"], settings.BODY_LIMIT_BYTES + 1
            )


def with_readable_content_type(application: WSGIApplication) -> WSGIApplication:
    """Wrap `application` so that it never sees a Content-Type which Django can't bear.

    Django reads the header before any middleware runs. One with a parameter in an unknown
    encoding (`x*=nope''y`) would end there, as the web server's own 500; a long one costs the
    square of its length. Such a type is no type of ours in any case.
    """

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not READABLE_TYPE.fullmatch(environ.get("CONTENT_TYPE") or ""):
            environ["CONTENT_TYPE"] = "application/octet-stream"
        return application(environ, start_response)

    return wrapped


def is_json(content_type: str) -> bool:
    """Tell whether a Content-Type means JSON in UTF-8, such as `application/ld+json`."""
    if not READABLE_TYPE.fullmatch(content_type):
        return False
    media_type, parameters = parse_header_parameters(content_type)
    charset = parameters.get("charset", "utf-8")
    return bool(JSON_TYPE.fullmatch(media_type)) and charset.strip().lower() == "utf-8"


def _declared_length(headers: Mapping[str, Any]) -> int:
    try:
        return int(headers.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _unsupported(media_type: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(media_type, detail="Send the body as application/json, in UTF-8.")
