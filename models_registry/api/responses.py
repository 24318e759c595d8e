"""What a view answers: JSON in UTF-8, written when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse


class Response(HttpResponse):
    """A body of JSON; text that is JSON already can be put in as an `orjson.Fragment`.

    Unlike DRF's, it is not rendered later, so that what is kept of an answer for its
    Idempotency-Key is what is sent. `data` None is no body, as of a 204 or a 304.
    """

    def __init__(
        self, data: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        body = b"" if data is None else orjson.dumps(data)
        super().__init__(body, content_type="application/json", status=status, headers=headers)
        if data is None:
            del self.headers["Content-Type"]
