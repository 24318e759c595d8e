"""Drives an HTTP server over sockets that stay open; a process of its own, told what on stdin.

Small on purpose: it shares the machine with what it measures, so each request costs it little.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\nTransfer-Encoding: *chunked", re.IGNORECASE)
# In a request it stands for a number of ten digits that no other request has.
UNIQUE = b"{{unique}}"


class _Client:
    """One connection with one request under way at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def answered(self) -> int:
        """Read what is there; the status once the whole answer has come, else 0."""
        piece = self.socket.recv(262_144)
        if not piece:
            raise ConnectionError("The server closed the connection.")
        self.received += piece
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return 0
        if CHUNKED.search(head):
            return int(head[9:12]) if body.endswith(b"0\r\n\r\n") else 0
        length = LENGTH.search(head)
        expected = int(length[1]) if length and head[9:12] != b"304" else 0
        return int(head[9:12]) if len(body) >= expected else 0


def drive(port: int, requests: list[str], clients: int, seconds: float) -> dict[str, Any]:
    """Send `requests` round and round for some time; each client waits for its answer.

    Returns requests a second, latencies in milliseconds and how often each status was met.
    """
    numbers = count(time.time_ns() // 1_000_000 % 10**6 * 10_000)
    endless = cycle([request.encode("latin-1") for request in requests])
    made = (request.replace(UNIQUE, b"%010d" % next(numbers)) for request in endless)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    begun = time.perf_counter()
    for latency, status in _answers(port, made, clients, begun + seconds):
        latencies.append(latency)
        statuses[status] += 1
    took = time.perf_counter() - begun
    ranked = statistics.quantiles(latencies, n=100)
    return {
        "per_second": len(latencies) / took,
        "p50_ms": ranked[49] * 1000,
        "p99_ms": ranked[98] * 1000,
        "statuses": {str(status): times for status, times in statuses.items()},
    }


def _answers(
    port: int, requests: Iterator[bytes], clients: int, until: float
) -> Iterator[tuple[float, int]]:
    with selectors.DefaultSelector() as selector:
        for _ in range(clients):
            client = _Client(port)
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.send(next(requests))
        under_way = clients
        while under_way:
            for key, _ in selector.select(30):
                client = key.data
                status = client.answered()
                if not status:
                    continue
                now = time.perf_counter()
                yield now - client.sent_at, status
                if now < until:
                    client.send(next(requests))
                else:
                    selector.unregister(client.socket)
                    client.socket.close()
                    under_way -= 1


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(drive(**json.loads(line))) + "\n")
        sys.stdout.flush()
