"""Every path: the API below /v2, the guide below /docs, the admin below /admin, metrics."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config import metrics
from config.api import errors

urlpatterns = [
    path("v2/", include("models_registry.urls")),
    path("v2/", include("subscriptions.urls")),
    path("v2/", include("config.api.documentation")),
    path("", include("config.docs.views")),
    path("metrics", metrics.show),
    path("admin/", admin.site.urls),
]

handler400 = errors.handler400
handler403 = errors.handler403
handler404 = errors.handler404
handler500 = errors.handler500
