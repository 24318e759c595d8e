"""How long the long tests last: shortened, or with `FAULT_TESTS=whole` as their sentences say."""

from __future__ import annotations

import os

WHOLE = os.environ.get("FAULT_TESTS") == "whole"


def lasting(whole: int, shortened: int) -> int:
    """Return what a test takes of something, by how long it may last."""
    return whole if WHOLE else shortened
