"""The WSGI application that a web server runs."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

from config.api.keys import key_source
from config.api.parsers import with_readable_content_type

application = with_readable_content_type(get_wsgi_application())
# Begun here, so that the first request finds the issuer's keys; it is not waited for. Settings by
# which tokens can't be judged stop the process.
key_source().load()
# What has been loaded stays; the collector need not look through it again and again, nor after
# every 700 objects that a request makes: that is a tenth of a request's time.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
