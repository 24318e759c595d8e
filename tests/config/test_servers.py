"""Bodies over real web servers on loopback: chunked, cut short, slow."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from waitress import wasyncore
from waitress.server import create_server

from config.embedded.server import Server, listen

HEADERS_TOO_LARGE = "request_header_fields_too_large"
JSON = {"Content-Type": "application/json"}
TYPE = "Content-Type: application/json\r\n"


@pytest.fixture
def waitress(settings: Any) -> Iterator[int]:
    """Serve the application from a thread of this process; give the port."""
    from config.wsgi import application

    settings.ROOT_URLCONF = "tests.config.urls_for_edge"
    server: Any = create_server(application, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.effective_port
    # In the server's own thread, which ends when nothing is left to listen to.
    # Another pull may close everything, the trigger too, before this one has written to it.
    with suppress(OSError):
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(10)
    server.task_dispatcher.shutdown()
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def gunicorn() -> Iterator[int]:
    """Serve the application as production does, from a process of its own; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        command += ["--worker-class", "gthread", "--threads", "24", "--log-level", "error"]
        process = subprocess.Popen(
            [*command, "config.wsgi:application"],
            pass_fds=[listener.fileno()],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.config.settings_for_edge"},
        )
        port = listener.getsockname()[1]
        assert ask(port, "POST", b"{}", JSON) == (200, {})  # it has started
        yield port
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def granian() -> Iterator[int]:
    """The same behind granian."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    command += ["--blocking-threads", "24", "--no-ws", "--log-level", "error"]
    process = subprocess.Popen(
        [*command, "config.wsgi:application"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.config.settings_for_edge"},
    )
    for _ in range(200):
        with suppress(OSError):
            assert ask(port, "POST", b"{}", JSON) == (200, {})
            break
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(20)


@pytest.fixture(params=["waitress", "gunicorn", "granian"])
def port(request: pytest.FixtureRequest) -> int:
    return request.getfixturevalue(request.param)


def ask(
    port: int, method: str, body: Any, headers: dict[str, str], **kwargs: Any
) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, "/v2/echo", body, headers, **kwargs)
        return read(connection.getresponse())
    finally:
        connection.close()


def read(response: HTTPResponse) -> tuple[int, Any]:
    assert response.getheader("Content-Type") == "application/json"
    return response.status, json.loads(response.read())


def raw(port: int, head: str, body: bytes) -> tuple[int, Any]:
    """Send `body` after `head`, then nothing more, and read the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{head}Host: 127.0.0.1\r\n\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection)
        response.begin()
        return read(response)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_chunked_body_is_read(port: int, method: str) -> None:
    """H7: "chunked PUT changes the model or gives 4xx - never 2xx without effect"."""
    chunks = iter([b'{"a":', b"[1,", b"2]}"])
    status, body = ask(port, method, chunks, JSON, encode_chunked=True)
    assert (status, body) == (200, {"a": [1, 2]})


def test_an_empty_chunked_body_is_400(port: int) -> None:
    status, body = ask(port, "PUT", iter([]), JSON, encode_chunked=True)
    assert (status, body["code"]) == (400, "malformed_json")


def test_a_chunked_body_over_the_limit_is_413(port: int, settings: Any) -> None:
    """H1: the limit holds where no Content-Length tells of it."""
    chunks = iter([b" " * settings.BODY_LIMIT_BYTES, b" "])
    status, body = ask(port, "POST", chunks, JSON, encode_chunked=True)
    assert (status, body["code"]) == (413, "body_too_large")


def test_a_put_without_any_body_is_400(port: int) -> None:
    for headers in ({"Content-Length": "0"}, {}):
        status, body = ask(port, "PUT", None, {**JSON, **headers})
        assert (status, body["code"]) == (400, "malformed_json")


def test_a_type_in_an_unknown_encoding_is_415(port: int) -> None:
    """Django raises before any middleware runs: without the wrapper a bare 500 of the server."""
    wrong = {"Content-Type": "application/json; x*=nope''y"}
    status, body = ask(port, "POST", b"{}", wrong)
    assert (status, body["code"]) == (415, "unsupported_media_type")


def test_a_body_that_ends_early_is_400(gunicorn: int) -> None:
    """Even when what has come is whole JSON. (waitress waits for the rest.)"""
    status, body = raw(
        gunicorn, f"PUT /v2/echo HTTP/1.1\r\n{TYPE}Content-Length: 9\r\n", b'{"a":1}'
    )
    assert (status, body["code"]) == (400, "malformed_json")
    assert "ended before" in body["message"]


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ("POST /v2/models HTTP/1.1\r\nContent-Length: -5\r\n", 400, "invalid_request"),
        ("POST /v2/models HTTP/1.1\r\nContent-Length: +5\r\n", 400, "invalid_request"),
        ("POST /v2/models HTTP/1.1\r\nContent-Length: 99999999999\r\n", 413, "body_too_large"),
        (f"GET /v2/models HTTP/1.1\r\nX-Long: {'x' * 300_000}\r\n", 431, HEADERS_TOO_LARGE),
        ("GET /v2/models/two words HTTP/1.1\r\n", 400, "invalid_request"),
        ("GET /v2/models/é HTTP/1.1\r\n", 400, "invalid_request"),
    ],
)
def test_what_is_no_http_is_refused_in_the_envelope(line: str, status: int, code: str) -> None:
    """ "Every error, of every status": in the embedded default also those of its web server."""
    listener = listen("127.0.0.1", 0)
    server = Server(lambda environ, start_response: [], listener)
    server.start()
    try:
        answer = raw(listener.getsockname()[1], line, b"")
    finally:
        server.stop(timeout_seconds=5)
    assert answer[0] == status
    assert (answer[1]["success"], answer[1]["code"]) == (False, code)
    assert set(answer[1]) == {"success", "message", "code"}


def test_half_sent_requests_keep_nobody_waiting(port: int) -> None:
    """F22: "20 half-sent POSTs: GET /v2/health < 1 s"."""
    head = f"POST /v2/echo HTTP/1.1\r\nHost: 127.0.0.1\r\n{TYPE}Content-Length: 100\r\n\r\n"
    waiting = []
    try:
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            waiting.append(connection)
            connection.sendall(head.encode() + b'{"a":')
        time.sleep(0.2)
        started = time.perf_counter()
        assert ask(port, "POST", b"{}", JSON) == (200, {})
        assert time.perf_counter() - started < 1
    finally:
        for connection in waiting:
            connection.close()
