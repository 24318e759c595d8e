"""The WSGI application that a web server runs."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

from config.api.keys import preload
from config.api.parsers import with_readable_content_type

application = with_readable_content_type(get_wsgi_application())
# Begun here, so that the first request finds the issuer's keys; it is not waited for. Settings by
# which tokens can't be judged stop the process.
preload()
