"""Makes `config` an app, so that its management commands and system checks are found."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "modelpact_config"

    def ready(self) -> None:
        # The system checks, what workers do when they begin and stop, and what requests don't do.
        from config import around_requests, checks, heartbeat, worker_end  # noqa: F401
