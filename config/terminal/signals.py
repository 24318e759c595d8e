"""Turns Ctrl-C and SIGTERM into an event, so that a command ends between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruption() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C or SIGTERM sets; a second one ends at once.

    Must be used from the main thread.
    """
    interrupted = threading.Event()
    names = (signal.SIGINT, signal.SIGTERM)
    before = {name: signal.getsignal(name) for name in names}

    def interrupt(*_: Any) -> None:
        interrupted.set()
        for name in names:
            signal.signal(name, signal.default_int_handler)

    for name in names:
        signal.signal(name, interrupt)
    try:
        yield interrupted
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
