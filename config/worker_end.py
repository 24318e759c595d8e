"""The end of a worker that is told to stop: in its time, even if it waits for a child for ever."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from typing import Any

from celery.signals import worker_ready

logger = logging.getLogger(__name__)

# From the signal on. It gives what is under way ten seconds (CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT),
# and whoever sent it sends SIGKILL after thirty.
END_SECONDS = 25.0


@worker_ready.connect
def end_in_time(**_: Any) -> None:
    """Have signals that mean "hand back the work and end" mean it.

    Celery waits for its children without limit, in the handler of the signal. A stop that waits
    for what is under way (SIGTERM where it is not remapped) may take as long as that does.
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
    """End this process and its children; what they were at is found by the sweep."""
    from billiard import active_children

    logger.error("worker.stop_took_too_long")
    for child in active_children():
        if child.pid:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
    os._exit(1)
