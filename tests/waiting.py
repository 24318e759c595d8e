"""Waiting for what another thread or process is doing."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Return when `condition` holds; fail when it does not within `seconds`."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"did not happen within {seconds} s"
        time.sleep(0.02)
