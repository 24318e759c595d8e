"""Middleware for the HTML pages; API requests skip it."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin


class NulMiddleware(MiddlewareMixin):
    """Rejects U+0000 in a URL; the admin would pass it to PostgreSQL, which raises an error."""

    def process_request(self, request: HttpRequest) -> None:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The URL contains U+0000.")
