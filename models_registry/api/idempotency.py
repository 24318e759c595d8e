"""The Idempotency-Key header, for actions that create something or start work."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from models_registry.api.principals import Principal
from models_registry.contracts.fingerprints import fingerprint_of_json
from models_registry.errors import InvalidRequest
from models_registry.services.idempotency import Answer, answer_once

KEY = re.compile(r"[\x21-\x7e]{1,255}")
# What of a first answer's headers is given again; the rest belongs to the response at hand.
KEPT_HEADERS = ("Location", "ETag")

Action = Callable[..., HttpResponseBase]


class InvalidIdempotencyKey(InvalidRequest):
    code = "invalid_idempotency_key"
    message = "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces."


def idempotent(action: Action) -> Action:
    """Have `action` run once for a caller's Idempotency-Key, and its answer replayed after that.

    The body has been checked by then (`ApiViewSet.initial`), so that nothing slow runs inside
    the transaction that this opens.
    """

    @functools.wraps(action)
    def wrapper(view: Any, request: Request, **kwargs: Any) -> HttpResponseBase:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None:
            return action(view, request, **kwargs)
        if not KEY.fullmatch(key):
            raise InvalidIdempotencyKey
        responses = []

        def produce() -> Answer:
            responses.append(action(view, request, **kwargs))
            return _kept(responses[-1])

        answer = answer_once(
            caller=cast("Principal", request.user).caller,
            key=key,
            digest=fingerprint_of_json([request.method, request.path, request.data]),
            produce=produce,
        )
        # Of several, when the transaction was run again, the last one took effect.
        return _replay(answer) if answer.replayed else responses[-1]

    return wrapper


def _kept(response: HttpResponseBase) -> Answer:
    assert isinstance(response, HttpResponse)
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    return Answer(response.status_code, response.content, headers)


def _replay(answer: Answer) -> HttpResponse:
    headers = {**answer.headers, "Idempotent-Replayed": "true"}
    return HttpResponse(
        answer.body, status=answer.status, headers=headers, content_type="application/json"
    )
