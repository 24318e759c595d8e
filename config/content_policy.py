"""The Content-Security-Policy of every answer: what a browser may load and run on our pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# Swagger UI and Redoc make style elements as they run. Redoc searches in a worker of its own text.
_REFERENCE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:;"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# The first that fits; everything else is a page.
_POLICIES = (("/v2/docs", _REFERENCE), ("/v2/redoc", _REFERENCE), ("/v2/", _CLOSED))


class ContentPolicyMiddleware:
    """Sends the policy of a path with its answer; comes first, so that errors bear it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = policy_of(request.path_info)
        return response


def policy_of(path: str) -> str:
    """Return the policy for the answers at a path."""
    for start, policy in _POLICIES:
        if path.startswith(start):
            return policy
    return _PAGES
