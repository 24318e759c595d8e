"""Starts and stops all parts of the embedded mode in one process, in order and in time."""

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

# How long a stop may take, in seconds: for running calls, for running functions to report, and
# for responses. Work that takes longer is aborted, and continues at the next start.
WORKERS_STOP_SECONDS = 4
FUNCTIONS_STOP_SECONDS = 3
SERVER_STOP_SECONDS = 2
STOP_SECONDS = WORKERS_STOP_SECONDS + FUNCTIONS_STOP_SECONDS + SERVER_STOP_SECONDS + 1
WATCHDOG = "watchdog"
LOOPBACK = "127.0.0.1,localhost,::1"


def apply_address(listener: socket.socket, host: str) -> None:
    """Set PUBLIC_URL and ALLOWED_HOSTS, unless the environment does.

    The port is known only now, and nothing has read these settings yet.
    """
    _isolate_environment()
    if "PUBLIC_URL" not in os.environ:
        settings.PUBLIC_URL = address_of(listener)
    if "ALLOWED_HOSTS" not in os.environ:
        name = f"[{host}]" if ":" in host else host
        # A wildcard address has more names than can be known here.
        any_name = host in ANY_ADDRESS
        settings.ALLOWED_HOSTS = ["*"] if any_name else [*settings.ALLOWED_HOSTS, name]


def _isolate_environment() -> None:
    """Keep proxies and AWS profiles of the environment away from local calls."""
    for name in ("no_proxy", "NO_PROXY"):
        others = os.environ.get(name)
        os.environ[name] = ",".join(filter(None, [LOOPBACK, others]))
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    # The output and the input directories of the sample functions.
    os.environ.setdefault("MODEL_DIR", str(settings.DATA_DIR / "models"))
    os.environ.setdefault("TRAINING_DATA_DIR", str(settings.DATA_DIR / "training"))


@contextmanager
def running(listener: socket.socket, *, functions: Path) -> Iterator[None]:
    """Run all parts until the block ends; continues the work of an interrupted process.

    The database must be migrated and locked by this process.
    """
    from config.wsgi import application

    sweeper.requeue_interrupted()
    with ExitStack() as stack:
        server = Server(application, listener)
        server.start()
        stack.callback(server.stop, timeout_seconds=SERVER_STOP_SECONDS)
        # Stops before the server, which must still accept the callbacks of its functions.
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


def start_watchdog(*, status: int) -> None:
    """Start a watchdog that ends this process with `status` if the stop takes too long."""
    watchdog = threading.Timer(STOP_SECONDS, os._exit, [status])
    watchdog.name, watchdog.daemon = WATCHDOG, True
    watchdog.start()


def end(*, status: int) -> NoReturn:
    """End this process with `status`, even if threads still run.

    (At exit, Python waits for every thread of an executor, daemon or not.)
    """
    expected = {threading.current_thread().name, WATCHDOG}
    if any(thread.name not in expected for thread in threading.enumerate()):
        sys.stdout.flush()
        logging.shutdown()
        os._exit(status)
    sys.exit(status)
