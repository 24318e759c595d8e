"""Where the OpenAPI document and its pages are served, from packaged files.

Apart from `openapi.py`: drf-spectacular's views, when they are imported, ask the settings for the
class that stands there.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.request import Request

# No OPTIONS, as everywhere else: of a page, Django REST Framework can't tell what it would say.
METHODS = ["get", "head"]


class DocumentView(SpectacularJSONAPIView):
    """The document, whatever the query: drf-spectacular's puts of that into headers what it finds.

    Made once in a process, since it is public and takes as long as many requests.
    """

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(_document(), content_type=request.accepted_renderer.media_type)


@cache
def _document() -> bytes:
    made: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    rendered: bytes = OpenApiJsonRenderer().render(made)
    return rendered


urlpatterns = [
    path("openapi.json", DocumentView.as_view(http_method_names=METHODS), name="openapi"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="openapi", template_name="config/swagger.html", http_method_names=METHODS
        ),
        name="docs",
    ),
    path(
        "redoc",
        SpectacularRedocView.as_view(
            url_name="openapi", template_name="config/redoc.html", http_method_names=METHODS
        ),
        name="redoc",
    ),
]
