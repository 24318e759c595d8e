"""The settings under test: the embedded default, or PostgreSQL and Redis when their URLs are set."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("MODELPACT_MODE", "embedded")
os.environ.setdefault("MODELPACT_DATA", tempfile.mkdtemp(prefix="modelpact-tests-"))

from config.settings import *  # noqa: E402, F403 (the environment must be set first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
