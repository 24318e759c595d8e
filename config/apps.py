"""Makes `config` an app, so that its management commands and system checks are found."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "modelpact_config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (registers the system checks)
