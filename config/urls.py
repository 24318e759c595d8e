"""Every path: the API and its pages below /v2, the admin below /admin, metrics for Prometheus."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config import metrics
from config.api import errors

urlpatterns = [
    path("v2/", include("models_registry.urls")),
    path("v2/", include("subscriptions.urls")),
    path("v2/", include("config.api.documentation")),
    path("metrics", metrics.show),
    path("admin/", admin.site.urls),
]

handler400 = errors.handler400
handler403 = errors.handler403
handler404 = errors.handler404
handler500 = errors.handler500
