"""Every part of the embedded default in one process: started in order, stopped in time."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from django.conf import settings

from config.embedded.lambda_endpoint import LambdaEndpoint
from config.embedded.server import ANY_ADDRESS, Server, address_of
from config.embedded.worker import QUEUES, Workers
from config.heartbeat import Heart
from models_registry.queue import sweeper

# How long a stop may take, in seconds: for calls under way, for functions under way to report,
# for answers to be sent. What is left then is cut off, and goes on at the next start.
WORKERS_STOP_SECONDS = 4
FUNCTIONS_STOP_SECONDS = 3
SERVER_STOP_SECONDS = 2
STOP_SECONDS = WORKERS_STOP_SECONDS + FUNCTIONS_STOP_SECONDS + SERVER_STOP_SECONDS + 1
WATCHDOG = "watchdog"
LOOPBACK = "127.0.0.1,localhost,::1"


def settle(listener: socket.socket, host: str) -> None:
    """Tell the settings where the service is reached, as far as the environment does not say.

    Only now is the port known, and nothing has read these settings yet.
    """
    _keep_to_this_machine()
    if "PUBLIC_URL" not in os.environ:
        settings.PUBLIC_URL = address_of(listener)
    if "ALLOWED_HOSTS" not in os.environ:
        name = f"[{host}]" if ":" in host else host
        # Bound to every address, this machine has more names than can be known here.
        everybody = host in ANY_ADDRESS
        settings.ALLOWED_HOSTS = ["*"] if everybody else [*settings.ALLOWED_HOSTS, name]


def _keep_to_this_machine() -> None:
    """Let nothing of the environment get between the parts, nor to an AWS account."""
    for name in ("no_proxy", "NO_PROXY"):
        others = os.environ.get(name)
        os.environ[name] = ",".join(filter(None, [LOOPBACK, others]))
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    # What the sample functions train, and what they may train on.
    os.environ.setdefault("MODEL_DIR", str(settings.DATA_DIR / "models"))
    os.environ.setdefault("TRAINING_DATA_DIR", str(settings.DATA_DIR / "training"))


@contextmanager
def running(listener: socket.socket, *, functions: Path) -> Iterator[None]:
    """Run all parts until the block ends, going on with whatever an earlier process left.

    The database must be migrated and held by this process alone.
    """
    from config.wsgi import application

    sweeper.requeue_interrupted()
    with ExitStack() as stack:
        server = Server(application, listener)
        server.start()
        stack.callback(server.stop, timeout_seconds=SERVER_STOP_SECONDS)
        # Stopped before the server, which must still take the reports of its functions.
        endpoint = LambdaEndpoint(functions)
        endpoint.start()
        stack.callback(endpoint.stop, timeout_seconds=FUNCTIONS_STOP_SECONDS)
        settings.LAMBDA_ENDPOINT_URL = endpoint.url
        workers = Workers()
        stack.callback(workers.stop, timeout_seconds=WORKERS_STOP_SECONDS)
        workers.start()
        heart = Heart(f"worker@{socket.gethostname()}", list(QUEUES))
        heart.start()
        stack.callback(heart.stop)
        sweeper.sweep()
        yield


def end_at_the_latest(*, status: int) -> None:
    """End this process with `status` when a stop takes longer than its time."""
    watchdog = threading.Timer(STOP_SECONDS, os._exit, [status])
    watchdog.name, watchdog.daemon = WATCHDOG, True
    watchdog.start()


def end(*, status: int) -> NoReturn:
    """End this process with `status`; what still runs was given its time and is cut off.

    (Python waits at its end for every thread of an executor, a daemon or not.)
    """
    awaited = {threading.current_thread().name, WATCHDOG}
    if any(thread.name not in awaited for thread in threading.enumerate()):
        sys.stdout.flush()
        logging.shutdown()
        os._exit(status)
    sys.exit(status)
