"""The HTTP server of the embedded mode: waitress in a thread of this process."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from config.api.errors import plain_refusal

THREADS = 8
HIGHEST_PORT = 65_535
ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 (recognised, not bound)


class CannotListen(Exception):
    """The address can't be bound; the text says why."""


def listen(host: str, port: int) -> socket.socket:
    """Bind the address, so that its port is known early; 0 takes a free port.

    Connections wait until a server accepts them. Raises CannotListen.
    """
    if not 0 <= port <= HIGHEST_PORT:  # the C library would take the remainder
        raise CannotListen(f"Can't listen on port {port}: ports are 0 to {HIGHEST_PORT}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            reason = (
                "Another process uses it; choose another with --port, or --port 0 for a free one."
            )
        raise CannotListen(f"Can't listen on {host}, port {port}: {reason}") from error


def address_of(listener: socket.socket) -> str:
    """Return the URL at which this machine reaches `listener`, such as http://127.0.0.1:8000."""
    host, port = listener.getsockname()[:2]
    if host in ANY_ADDRESS:
        host = "127.0.0.1" if listener.family == socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Refusal(ErrorTask):  # type: ignore[misc]
    """Answers malformed HTTP, such as an invalid Content-Length, in the API's error format.

    The application never sees such a request; waitress would answer in plain text.
    """

    def execute(self) -> None:
        error = self.request.error
        body = orjson.dumps(plain_refusal(error.code).envelope())
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection."""

    error_task_class = Refusal


class Server:
    """Serves a WSGI application on a listening socket."""

    def __init__(self, application: Callable[..., Any], listener: socket.socket) -> None:
        self._listener = listener
        self._socket_map: dict[int, Any] = {}
        self._server: Any = create_server(
            application,
            map=self._socket_map,
            sockets=[listener],
            threads=THREADS,
            ident="modelpact",
        )
        self._server.channel_class = Channel
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, timeout_seconds: float) -> None:
        """Stop accepting connections, finish the current requests, then close.

        Requests that take longer than `timeout_seconds` are aborted.
        """
        # Only the server thread may close sockets; other threads may only pull the trigger.
        self._server.trigger.pull_trigger(self._close_listener)
        ends_at = time.monotonic() + timeout_seconds
        self._server.task_dispatcher.shutdown(timeout=timeout_seconds)
        while self._unsent() and time.monotonic() < ends_at:
            time.sleep(0.01)
        # An earlier pull may already have closed everything, including the trigger.
        with suppress(OSError):
            self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._socket_map))
        self._thread.join(max(0.1, ends_at - time.monotonic()))

    def _close_listener(self) -> None:
        wasyncore.dispatcher.close(self._server)

    def _unsent(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(channel.total_outbufs_len for channel in channels)
