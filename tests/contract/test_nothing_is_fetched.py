"""H27: whatever address a caller writes anywhere, the service opens none of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests import examples

PATH = f"/v2/models/{examples.MODEL_ID}"


@pytest.fixture
def canary() -> Iterator[tuple[str, list[Any]]]:
    """Listen on loopback; gives an address there and whoever came."""
    visitors: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    visitors.append(server.accept())

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x", visitors


def _bodies(url: str) -> list[dict[str, Any]]:
    good = examples.update_model()
    handler = good["handlers"]["training"]
    schemas = [
        {"$id": url, "type": "object"},
        {"$ref": url},
        {"$schema": url},
        {"$dynamicRef": f"{url}#a"},
        {"properties": {"a": {"$id": url, "$ref": f"{url}#/b"}}},
        {"format": "uri", "default": url, "examples": [url]},
    ]
    return [
        *(
            {**good, "handler_contracts": {"inference": {"input_schema": schema}}}
            for schema in schemas
        ),
        {**good, "metadata": {"jku": url, "endpoint_url": url}},
        {**good, "description": url},
        {**good, "endpoint_url": url},
        {**good, "handlers": {**good["handlers"], "training": {**handler, "endpoint_url": url}}},
        {**good, "handlers": {**good["handlers"], "training": {**handler, "arn": url}}},
        {**good, "handlers": {**good["handlers"], "training": {**handler, "version": url}}},
    ]


def test_addresses_in_bodies_are_refused_or_kept_and_never_visited(api, active_model, canary):
    url, visitors = canary
    statuses = [api.put(PATH, body).status for body in _bodies(url)]
    api.post(f"{PATH}/versions/1/inference", {"input": {"url": url}})

    assert set(statuses) == {200, 400, 422}
    assert visitors == []


def test_addresses_in_the_header_of_a_token_are_never_visited(api, active_model, canary):
    import jwt

    url, visitors = canary
    forged = jwt.encode(
        {"sub": "x"}, "k" * 32, algorithm="HS256", headers={"jku": url, "x5u": url, "kid": url}
    )

    assert api.get(PATH, token=forged).status == 401
    assert visitors == []
