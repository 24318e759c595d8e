"""Where the OpenAPI document and its pages are served, from packaged files.

Apart from `openapi.py`: drf-spectacular's views, when they are imported, ask the settings for the
class that stands there.
"""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
)

urlpatterns = [
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi"), name="docs"),
    path(
        "redoc",
        SpectacularRedocView.as_view(url_name="openapi", template_name="config/redoc.html"),
        name="redoc",
    ),
]
