"""A wire to PostgreSQL that can be cut: for a while, or exactly at a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum

# What a client sends for it (the simple query protocol: type, length, text), and what is answered.
COMMIT, COMMITTED = b"Q\x00\x00\x00\x0bCOMMIT\x00", b"COMMIT\x00"


class Moment(Enum):
    """Where the connection is cut: the server never hears of the COMMIT, or has done it."""

    ON_THE_WAY = "on the way"
    DONE = "done"


class Proxy:
    """Hands on what comes to `port`, in both directions, until it is told to cut."""

    def __init__(self, host: str, port: int) -> None:
        self.has_cut = threading.Event()
        self._server = (host, port)
        self._cut_at: Moment | None = None
        self._lock = threading.Lock()
        self._wires: list[tuple[socket.socket, socket.socket]] = []
        self._is_away = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self.take_away()
        self._listener.close()

    def cut_at_commit(self, moment: Moment) -> None:
        """Cut the connection of the next COMMIT that comes by; only that one, and once."""
        self._cut_at = moment

    def take_away(self) -> None:
        """Cut every connection, and every new one at once."""
        with self._lock:
            self._is_away = True
            wires, self._wires = self._wires, []
        for wire in wires:
            _cut(*wire)

    def bring_back(self) -> None:
        self._is_away = False

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_away:
                    client.close()
                    continue
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        server = socket.create_connection(self._server)
        for end in (client, server):
            # What is small must not wait for more to go with it.
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._wires.append((client, server))
        commits = threading.Event()
        for work in (self._to_server, self._to_client):
            threading.Thread(target=work, args=[client, server, commits], daemon=True).start()

    def _to_server(
        self, client: socket.socket, server: socket.socket, commits: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                place = data.find(COMMIT) if self._cut_at else -1
                if place >= 0 and self._cut_at is Moment.ON_THE_WAY:
                    # What was sent together with it does arrive.
                    server.sendall(data[:place])
                    self._cut_now()
                    break
                if place >= 0:
                    commits.set()
                server.sendall(data)
        _cut(client, server)

    def _to_client(
        self, client: socket.socket, server: socket.socket, commits: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if commits.is_set() and COMMITTED in data:
                    self._cut_now()
                    break
                client.sendall(data)
        _cut(client, server)

    def _cut_now(self) -> None:
        self._cut_at = None
        self.has_cut.set()


def _cut(*ends: socket.socket) -> None:
    for end in ends:
        # Wakes whoever reads from it; closing alone would not.
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
