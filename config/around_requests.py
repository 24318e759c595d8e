"""What Django does around each request and ours don't need."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries

# Django looks at a request's beginning as well. By then a thread of ours holds none: what a request
# took, its end has given back to the pool, and each look costs as much as a header.
request_started.disconnect(close_old_connections)
if not settings.DEBUG:
    # Without DEBUG no statement is kept that could be forgotten.
    request_started.disconnect(reset_queries)
# There is no cache here that is reached over a connection.
request_finished.disconnect(close_caches)
# Every request has the same URL configuration.
request_finished.disconnect(reset_urlconf)
