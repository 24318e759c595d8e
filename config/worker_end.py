"""A watchdog for workers that are told to stop: they end in time even if a child hangs."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from typing import Any

from celery.signals import worker_ready

logger = logging.getLogger(__name__)

# From the signal on. Running tasks get ten seconds of it (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT), and
# supervisors send SIGKILL after thirty.
END_SECONDS = 25.0


@worker_ready.connect
def end_in_time(**_: Any) -> None:
    """Add a watchdog to the signals that mean "hand back the work and end".

    Celery's signal handler waits for its children without limit. A warm stop (SIGTERM where it is
    not remapped) may take as long as its tasks do, and gets no watchdog.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # a worker in a thread of the embedded service, which has a watchdog of its own
    is_remapped = os.environ.get("REMAP_SIGTERM") == "SIGQUIT"
    for number in (signal.SIGQUIT, *([signal.SIGTERM] if is_remapped else [])):
        signal.signal(number, _with_watchdog(signal.getsignal(number)))


def _with_watchdog(handler: Any) -> Any:
    def handle(number: int, frame: Any) -> None:
        watchdog = threading.Timer(END_SECONDS, _end)
        watchdog.daemon = True
        watchdog.start()
        if callable(handler):
            handler(number, frame)

    return handle


def _end() -> None:
    """Kill this process and its children; the sweep finds their jobs."""
    from billiard import active_children

    logger.error("worker.stop_took_too_long")
    for child in active_children():
        if child.pid:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
    os._exit(1)
