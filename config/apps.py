"""Makes `config` an app, so that its management commands and system checks are found."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "modelpact_config"

    def ready(self) -> None:
        # The system checks, and what workers do when they begin and stop.
        from config import checks, heartbeat, worker_end  # noqa: F401
