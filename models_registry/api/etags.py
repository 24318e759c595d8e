"""ETag, If-Match and If-None-Match, by RFC 9110, 8.8.3 and 13."""

from __future__ import annotations

import re
from typing import Literal

from rest_framework.request import Request

from models_registry.api.responses import Response
from models_registry.errors import DomainError, InvalidRequest

# One element of a list, which may be empty. Possessive quantifiers: with the ordinary ones a
# header of nothing but spaces costs the square of its length.
ELEMENT = re.compile(r'[ \t]*+((?:W/)?"[\x21\x23-\x7e\x80-\xff]*+")?+[ \t]*+(,|\Z)')
SAFE_METHODS = {"GET", "HEAD"}

Tags = Literal["*"] | list[str]


class PreconditionFailed(DomainError):
    """The caller has not seen the present state."""

    code = "precondition_failed"
    status = 412
    message = "This has changed since you read it; read it again."


class InvalidETag(InvalidRequest):
    code = "invalid_etag"


def precondition(request: Request, etag: str) -> None:
    """Check If-Match, then If-None-Match, against the ETag of what is about to be changed.

    Raises PreconditionFailed, or InvalidETag for a header that is malformed. If-Match compares
    strongly: a tag that a proxy has weakened (`W/"..."`, as compression does) never matches.
    """
    wanted = _tags(request, "If-Match")
    if wanted is not None and wanted != "*" and etag not in wanted:
        raise PreconditionFailed
    if _is_unwanted(request, etag):
        raise PreconditionFailed("This exists already in a state that If-None-Match rules out.")


def has_precondition(request: Request) -> bool:
    """Say whether a request names a state in which alone it is to be carried out."""
    return "HTTP_IF_MATCH" in request.META or "HTTP_IF_NONE_MATCH" in request.META


def not_modified(request: Request, etag: str) -> Response | None:
    """Return the 304 for a reader who has this state already, else None. Raises InvalidETag."""
    if request.method in SAFE_METHODS and _is_unwanted(request, etag):
        return Response(status=304, headers={"ETag": etag})
    return None


def _is_unwanted(request: Request, etag: str) -> bool:
    """Compare If-None-Match weakly: `W/"1"` and `"1"` are the same."""
    unwanted = _tags(request, "If-None-Match")
    if unwanted is None:
        return False
    return unwanted == "*" or etag in {tag.removeprefix("W/") for tag in unwanted}


def _tags(request: Request, header: str) -> Tags | None:
    """Return the entity tags of a header, with their quotes; None when it is absent."""
    text = request.META.get(f"HTTP_{header.upper().replace('-', '_')}")
    if text is None:
        return None
    if text.strip(" \t") == "*":
        return "*"
    tags, position = [], 0
    while position < len(text):
        element = ELEMENT.match(text, position)
        if element is None:
            break
        if element[1]:
            tags.append(element[1])
        position = element.end()
    if position < len(text) or not tags:
        raise InvalidETag(f'{header} must be * or a list of entity tags, such as "1-2-3".')
    return tags
