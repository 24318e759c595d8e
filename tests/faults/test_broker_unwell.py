"""A broker that is silent, refuses or is full costs a moment and never a request (F2, F23)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults.processes import environment

# Publishes five wake-ups, and prints for each whether it went and how many seconds it took.
PUBLISH = """
import json, time
import django
django.setup()
from models_registry.queue import wakeups
found = []
for _ in range(5):
    begun = time.monotonic()
    sent = wakeups.publish(wakeups.DISPATCH_EVENTS.task, ["0"])
    found.append([sent, time.monotonic() - begun])
print(json.dumps(found))
"""
FULL = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


@contextmanager
def _broker(answer: bytes | None) -> Iterator[int]:
    """Listen on loopback; answer every command with `answer`, or with nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def converse(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while data := connection.recv(65536):
                    if answer is not None:
                        connection.sendall(answer * max(1, data.count(b"\r\n*") + 1))

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=converse, args=[connection], daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1]


def _publish(port: int) -> list[tuple[bool, float]]:
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH],
        env=environment(REDIS_URL=f"redis://127.0.0.1:{port}/0", DATABASE_URL="sqlite:///:memory:"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [(sent, seconds) for sent, seconds in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("answer", [None, FULL], ids=["silent", "full"])
def test_a_broker_that_does_not_take_messages_costs_a_bounded_moment(answer):
    with _broker(answer) as port:
        tries = _publish(port)

    assert [sent for sent, _ in tries] == [False] * 5
    # "Total publish budget <= 2 s", and some for a loaded machine; the request has 3.
    assert max(seconds for _, seconds in tries) < 3
    # After three failures nothing is tried for a while.
    assert all(seconds < 0.1 for _, seconds in tries[3:])


def test_a_broker_that_refuses_costs_next_to_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    tries = _publish(port)

    assert [sent for sent, _ in tries] == [False] * 5
    assert max(seconds for _, seconds in tries) < 2
