"""The WSGI application that a web server runs."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402 (the settings module must be named first)

application = get_wsgi_application()

from config.api.keys import preload  # noqa: E402 (needs the settings)

# Begun here, so that the first request finds the issuer's keys; it is not waited for.
preload()
