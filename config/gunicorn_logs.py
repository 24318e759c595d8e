"""Gunicorn's own messages in the form of all: `--logger-class config.gunicorn_logs.Lines`."""

from __future__ import annotations

import logging
import os
from typing import Any

from gunicorn.glogging import Logger

from config.logs import JsonLines, PlainLines


class Lines(Logger):  # type: ignore[misc]
    """Writes what gunicorn says of its processes; requests have their line from the service."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        plain = os.environ.get("LOG_FORMAT") == "plain"
        for handler in self.error_log.handlers:
            handler.setFormatter(PlainLines() if plain else JsonLines())
        self.access_log.handlers.clear()
        self.access_log.addHandler(logging.NullHandler())

    def access(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the line would hold the query, which may be anything."""
