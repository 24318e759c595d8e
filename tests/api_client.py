"""A caller of the API, every answer of which is held against the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.http.response import HttpResponseBase
from django.test import Client

from tests.contract.document import Document, Exchange
from tests.tokens import token as sign

_ADMIN: Any = object()


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is `content` decoded: JSON, text for a page, None for nothing."""

    status: int
    body: Any
    headers: Mapping[str, str]
    content: bytes


class Api:
    """Calls the API in this process, as an admin unless told otherwise.

    `document` is what answers are checked against. A server error is raised into the test;
    `raise_errors=False` shows it as a caller would see it.
    """

    def __init__(self, document: Document, *, raise_errors: bool = True) -> None:
        self._document = document
        self._client = Client(raise_request_exception=raise_errors)
        self._admin = ""

    def get(self, path: str, **options: Any) -> Answer:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.send("DELETE", path, **options)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = _ADMIN,
        headers: Mapping[str, str] | None = None,
        documented: bool = True,
    ) -> Answer:
        """Send one request; `path` is whole, such as "/v2/models?limit=2".

        `body` is sent as JSON, bytes as they are, None as no body. `token=None` sends none.
        `documented=False` leaves the answer unchecked, which needs a reason where it is said.
        """
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        content_type = sent.pop("Content-Type")
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {self._token(token)}")
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        # Without a body there is no content type to send.
        content_type = (
            "" if body is None and "Content-Type" not in (headers or {}) else content_type
        )
        response = self._client.generic(method, path, data, content_type, headers=sent)
        answer = _answer(response)
        if documented:
            self._check(method, path, body, answer)
        return answer

    def _token(self, token: str) -> str:
        if token is not _ADMIN:
            return token
        self._admin = self._admin or sign("admin")
        return self._admin

    def _check(self, method: str, path: str, body: Any, answer: Answer) -> None:
        self._document.check(
            Exchange(
                method=method,
                path=path,
                status=answer.status,
                body=answer.body,
                content_type=answer.headers.get("Content-Type", ""),
                headers=answer.headers,
                request_body=_decoded(body) if isinstance(body, bytes) else body,
            )
        )


def _answer(response: HttpResponseBase) -> Answer:
    streamed = getattr(response, "streaming", False)
    raw = b"".join(response) if streamed else response.content  # type: ignore[attr-defined]
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    body = None if not raw else _decoded(raw) if is_json else raw.decode()
    return Answer(response.status_code, body, response.headers, raw)


def _decoded(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
