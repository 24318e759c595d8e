"""The settings under test with the paths of `urls_for_edge`, for a server of its own process."""

from __future__ import annotations

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.config.urls_for_edge"
