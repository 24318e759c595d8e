"""What every answer of the API looks like on the wire: JSON in UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

# Longer Accept headers are read up to here; browsers send about 150 bytes.
ACCEPT_LIMIT_BYTES = 4096
ZERO_WEIGHT = re.compile(r"q=0(?:\.0*)?")


class JSONRenderer(BaseRenderer):
    """Writes JSON; text that is JSON already can be put in as an `orjson.Fragment`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class JSONContentNegotiation(BaseContentNegotiation):
    """Gives the view's first renderer that the Accept header admits.

    Parameters of a media range (`;charset=utf-8`, `;indent=4`) are no reason to answer 406. The
    parser judges the Content-Type itself, because only it can tell an empty request from a
    wrong one.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        accepted = accepted_ranges(request.META.get("HTTP_ACCEPT", ""))
        for renderer in renderers:
            main_type = renderer.media_type.partition("/")[0]
            if not accepted.isdisjoint({renderer.media_type, f"{main_type}/*", "*/*"}):
                return renderer, renderer.media_type
        offered = ", ".join(renderer.media_type for renderer in renderers)
        raise NotAcceptable(f"This can be answered as {offered}, which Accept does not admit.")


def accepted_ranges(accept: str) -> set[str]:
    """Return the media ranges of an Accept header that are not given a weight of zero."""
    if not accept.strip():
        return {"*/*"}
    ranges = set()
    for item in accept[:ACCEPT_LIMIT_BYTES].lower().split(","):
        media_range, *parameters = (part.replace(" ", "") for part in item.split(";"))
        if not any(ZERO_WEIGHT.fullmatch(parameter) for parameter in parameters):
            ranges.add(media_range)
    return ranges
