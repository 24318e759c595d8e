"""The HTTP client of the demo; it only uses the public API."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 20


class Unexpected(Exception):
    """An unexpected response; the text contains request and response."""


class Api:
    """Calls the API of the service at `address` with a bearer token."""

    def __init__(self, address: str, token: str) -> None:
        url = urlsplit(address)
        self._host, self._port = url.hostname or "", url.port
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> Any:
        return self.call("GET", path, expected=200)

    def post(self, path: str, body: Any, *, expected: int) -> Any:
        return self.call("POST", path, body, expected=expected)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body, expected=200)

    def call(self, method: str, path: str, body: Any = None, *, expected: int) -> Any:
        """Return the decoded body. Raises Unexpected unless the status is `expected`."""
        status, answer = self.answer(method, path, body)
        if status != expected:
            text = json.dumps(answer, indent=2)
            raise Unexpected(f"{method} /v2{path} answered {status}, not {expected}:\n{text}")
        return answer

    def answer(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the decoded body."""
        content = None if body is None else json.dumps(body).encode()
        connection = HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, f"/v2{path}", content, self._headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        except (OSError, HTTPException, ValueError) as error:
            raise Unexpected(f"{method} /v2{path} got no answer: {error!r}") from error
        finally:
            connection.close()
