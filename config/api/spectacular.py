"""What drf-spectacular is told of the OpenAPI document and its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SETTINGS: dict[str, Any] = {
    "TITLE": "Modelpact",
    "VERSION": "2.0.0",
    # Both pages show it at their head.
    "DESCRIPTION": (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8"),
    "OAS_VERSION": "3.1.1",
    "GENERIC_ADDITIONAL_PROPERTIES": "bool",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "POSTPROCESSING_HOOKS": ["config.api.components.add_components"],
    # The order in which the pages show them.
    "TAGS": [
        {"name": "Models", "description": "What is registered, and what an update would do."},
        {"name": "Versions", "description": "What an update made, and which one is active."},
        {"name": "Work", "description": "Asking a version to train or to infer."},
        {"name": "Jobs", "description": "What was asked for, and what came of it."},
        {"name": "Event subscriptions", "description": "Models that run after each other."},
        {"name": "Audit", "description": "Who changed what."},
        {"name": "Health", "description": "Whether the service answers; these need no token."},
    ],
    # The pages and all they load come from installed packages; nothing is fetched from elsewhere.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True, "deepLinking": True},
    "REDOC_DIST": "SIDECAR",
}
