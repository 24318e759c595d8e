"""The settings under test: the embedded default, or PostgreSQL and Redis where URLs are set."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("MODELPACT_MODE", "embedded")
if "MODELPACT_DATA" not in os.environ:
    # Processes that a test starts inherit it, and share its secrets.
    os.environ["MODELPACT_DATA"] = tempfile.mkdtemp(prefix="modelpact-tests-")
    atexit.register(shutil.rmtree, os.environ["MODELPACT_DATA"], ignore_errors=True)
os.environ.setdefault("MODELPACT_TEST_RUN", secrets.token_hex(4))

from config.settings import *  # noqa: F403 (the environment must be set first)
from config.settings import CELERY_BROKER_TRANSPORT_OPTIONS as _TRANSPORT_OPTIONS
from config.settings import CELERY_BROKER_URL, DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that threads have connections of their own and its locks are the real ones.
    DATABASES["default"]["TEST"] = {
        "NAME": str(Path(os.environ["MODELPACT_DATA"]) / "test.sqlite3")
    }

# Wake-ups of this process alone: several runs, and several processes of one run, may share a Redis.
_run = os.environ["MODELPACT_TEST_RUN"]
_process = os.environ.get("PYTEST_XDIST_WORKER", "main")
REDIS_PREFIX = f"modelpact-test-{_run}-{_process}:"
if CELERY_BROKER_URL.startswith("redis"):
    _options: dict[str, Any] = {**_TRANSPORT_OPTIONS, "global_keyprefix": REDIS_PREFIX}
    CELERY_BROKER_TRANSPORT_OPTIONS = _options
