"""A Lambda endpoint on loopback that misbehaves as told, and counts what it is asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

TOO_MANY = b'{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Message": "Rate"}'


class FaultyLambda:
    """Answers each call by `mode`.

    "ok", "reset" (the connection is cut after the request was read), "half" (the answer stops in
    the middle), "hang" (no answer for `hang_seconds`), "late" (a good one after as long),
    "function_error", "throttled" (good ones for `calls_per_second`, and 429 for the others), or a
    tuple of a status, an error type and a body.
    """

    def __init__(self, mode: Any = "ok") -> None:
        self.mode = mode
        self.output: Any = {"predictions": []}
        self.function_error = b'{"errorType": "ValueError", "errorMessage": "no data"}'
        self.hang_seconds = 3.0
        self.calls_per_second = 10
        self.calls: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._spare, self._spare_at = 0.0, 0.0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def calls_by_job(self) -> Counter[str]:
        return Counter(call["event"]["job_id"] for call in self.calls)

    def admits(self) -> bool:
        """Say whether one more call is within the limit: a bucket that holds a second's calls."""
        with self._lock:
            now = time.monotonic()
            filled = self._spare + (now - self._spare_at) * self.calls_per_second
            self._spare, self._spare_at = min(float(self.calls_per_second), filled), now
            if self._spare < 1:
                return False
            self._spare -= 1
            return True

    def __enter__(self) -> FaultyLambda:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FaultyLambda


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers.get("X-Amz-Invocation-Type")
        fake = self.server.fake
        call: dict[str, Any] = {"path": self.path, "kind": kind, "event": json.loads(body)}
        call["mode"] = fake.mode if isinstance(fake.mode, str) else fake.mode[0]
        call |= {"connection": self.client_address, "at": time.monotonic()}
        fake.calls.append(call)
        if isinstance(fake.mode, tuple):
            status, error_type, text = fake.mode
            self._send(status, {"x-amzn-ErrorType": error_type}, text)
        else:
            getattr(self, f"_{fake.mode}")(fake, kind)

    def _ok(self, fake: FaultyLambda, kind: str | None) -> None:
        if kind == "Event":
            self._send(202, {}, b"")
        else:
            self._send(200, {}, json.dumps(fake.output).encode())

    def _function_error(self, fake: FaultyLambda, _: str | None) -> None:
        self._send(200, {"X-Amz-Function-Error": "Unhandled"}, fake.function_error)

    def _reset(self, *_: Any) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def _half(self, *_: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"predic')
        self.close_connection = True

    def _hang(self, fake: FaultyLambda, _: str | None) -> None:
        time.sleep(fake.hang_seconds)
        self.close_connection = True

    def _late(self, fake: FaultyLambda, kind: str | None) -> None:
        time.sleep(fake.hang_seconds)
        self._ok(fake, kind)

    def _throttled(self, fake: FaultyLambda, kind: str | None) -> None:
        if fake.admits():
            self._ok(fake, kind)
        else:
            self._send(429, {"x-amzn-ErrorType": "TooManyRequestsException"}, TOO_MANY)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
