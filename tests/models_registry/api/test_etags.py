"""ETag, If-Match and If-None-Match: "If-Match on PUT gives 412 when stale; If-None-Match 304"."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from tests.config.urls_for_edge import ETAG

pytestmark = pytest.mark.urls("tests.config.urls_for_edge")


def put(**headers: str) -> Any:
    return Client().put("/v2/etag", "{}", content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    "if_match",
    [ETAG, "*", " * ", f'"x", {ETAG}', f'"a,b" , {ETAG},', f",,\t{ETAG}", f'W/"y",{ETAG}'],
)
def test_a_change_of_the_state_that_was_read_is_made(if_match: str) -> None:
    assert put(if_match=if_match).status_code == 200


@pytest.mark.parametrize("if_match", ['"x"', f"W/{ETAG}", '"x", "y"', '""', '"3-1-4,5"'])
def test_a_change_of_another_state_is_412(if_match: str) -> None:
    """RFC 9110, 13.1.1: If-Match compares strongly, so a weakened tag never matches."""
    response = put(if_match=if_match)
    assert response.status_code == 412
    assert response.json()["code"] == "precondition_failed"


def test_a_change_without_if_match_is_made() -> None:
    assert put().status_code == 200


@pytest.mark.parametrize("tag", ["*", ETAG, f"W/{ETAG}"])
def test_a_change_that_if_none_match_rules_out_is_412(tag: str) -> None:
    assert put(if_none_match=tag).status_code == 412
    assert put(if_none_match='"x"').status_code == 200


@pytest.mark.parametrize("tags", [ETAG, "*", f"W/{ETAG}", f'"x" , {ETAG}', f'W/"x",W/{ETAG}'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_this_state_already_gets_304(method: str, tags: str) -> None:
    """RFC 9110, 13.1.2: If-None-Match compares weakly."""
    response = Client().generic(method, "/v2/etag", headers={"if-none-match": tags})
    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["ETag"] == ETAG
    assert "Content-Type" not in response.headers


def test_who_has_another_state_gets_the_present_one() -> None:
    response = Client().get("/v2/etag", headers={"if-none-match": '"x"'})
    assert response.status_code == 200
    assert response.headers["ETag"] == ETAG
    assert response.json() == {"a": 1}


@pytest.mark.parametrize(
    "header",
    ["", " ", ",", "3-1-4", '"3-1-4', '"a" "b"', '"a"; "b"', "**", '*, "a"', 'w/"a"', 'W/ "a"',
     '"a b"', '"a\x7f"', "W/*"],
)  # fmt: skip
def test_a_malformed_header_is_400(header: str) -> None:
    for response in (
        put(if_match=header),
        put(if_none_match=header),
        Client().get("/v2/etag", headers={"if-none-match": header}),
    ):
        assert response.status_code == 400
        assert response.json()["code"] == "invalid_etag"


@pytest.mark.parametrize(
    "header", [" " * 100_000 + "x", '"' * 100_001, "," * 100_000, "W/" * 50_000]
)
def test_a_huge_header_is_read_in_linear_time(header: str) -> None:
    started = time.perf_counter()
    assert put(if_match=header).status_code == 400
    assert time.perf_counter() - started < 1
