"""Keyset pages: "stable order, and no row skipped or repeated while rows are being inserted"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client

from models_registry.api.pages import _Signer

pytestmark = [pytest.mark.urls("tests.config.urls_for_edge"), pytest.mark.django_db]

BY_NAME, BY_DATE = "/v2/users/by_name", "/v2/users/by_date"
NEXT = re.compile(r'<(http://testserver/v2/[^<>\s]+)>; rel="next"')


def add(*names: str, joined: datetime | None = None) -> None:
    User.objects.bulk_create(
        User(username=name, date_joined=joined or datetime(2024, 1, 1, tzinfo=UTC))
        for name in names
    )


def walk(url: str | None) -> list[list[str]]:
    pages = []
    while url:
        response = Client().get(url)
        assert response.status_code == 200
        pages.append(response.json())
        url = following(response)
    return pages


def following(response: Any) -> str | None:
    link = response.headers.get("Link")
    if link is None:
        return None
    found = NEXT.fullmatch(link)
    assert found
    return found[1]


def refused(url: str) -> list[str]:
    """Return what the query is told to be wrong with, checking that it is 400."""
    response = Client().get(url)
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid_query_parameter"
    assert {error["path"] for error in body["errors"]} == {""}
    return [error["message"] for error in body["errors"]]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2])]
)
def test_the_pages_are_the_whole_list_and_the_last_one_has_no_link(
    count: int, sizes: list[int]
) -> None:
    names = [f"u{number}" for number in range(count)]
    add(*names)
    pages = walk(f"{BY_NAME}?limit=2")
    assert [len(rows) for rows in pages] == sizes
    assert [name for rows in pages for name in rows] == sorted(names, reverse=True)


def test_rows_of_equal_first_column_are_told_apart_by_the_second() -> None:
    """A tuple of columns in mixed directions, rows as dicts, moments to the microsecond."""
    base = datetime(2024, 5, 1, 12, tzinfo=UTC)
    for number in range(4):
        add(f"a{number}", f"b{number}", f"c{number}", joined=base + timedelta(microseconds=number))
    expected = [f"{letter}{number}" for number in (3, 2, 1, 0) for letter in "abc"]
    for limit in (1, 2, 5, 12):
        pages = walk(f"{BY_DATE}?limit={limit}")
        assert [name for rows in pages for name in rows] == expected


def test_rows_inserted_meanwhile_neither_repeat_nor_hide_others() -> None:
    add("b", "d", "f", "h")
    first = Client().get(f"{BY_NAME}?limit=2")
    assert first.json() == ["h", "f"]
    add("g", "z", "e", "a")
    User.objects.filter(username="f").delete()  # the very row that the cursor names
    url = following(first)
    assert url
    assert [name for rows in walk(url) for name in rows] == ["e", "d", "b", "a"]


def test_a_page_has_100_rows_unless_asked_otherwise_and_at_most_1000() -> None:
    """API page: "?limit= (default 100, at most 1000)"."""
    add(*[f"u{number:04}" for number in range(1001)])
    assert [len(rows) for rows in walk(f"{BY_NAME}?limit=1000")] == [1000, 1]
    assert len(Client().get(BY_NAME).json()) == 100


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("limit=1&q=%26%3E%22é", "limit=1&q=%26%3E%22%C3%A9"),
        ("limit=1&q=a%26limit%3D1", "limit=1&q=a%26limit%3D1"),
        ("%6Cimit=1&q=a+b", "limit=1&q=a+b"),
        ("limit=1&q=A-b.c_d~:0", "limit=1&q=A-b.c_d~:0"),
        ("q=&limit=1", "q=&limit=1"),
    ],
)
def test_the_link_keeps_the_rest_of_the_query(asked: str, kept: str) -> None:
    add("a", "b", "c")
    url = following(Client().get(f"{BY_NAME}?{asked}"))
    assert url
    assert url.startswith(f"http://testserver/v2/users/by_name?{kept}&cursor=")
    second = following(Client().get(url))
    assert second
    assert second.count("cursor=") == 1


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "1001",
        "9" * 5000,
        "1.0",
        "1e2",
        "",
        "ten",
        "%D9%A1",
        "+5",
        "0x10",
        "%0A5",
        "5%00",
    ],
)
def test_a_limit_out_of_range_is_400(limit: str) -> None:
    [message] = refused(f"{BY_NAME}?limit={limit}")
    assert message == "'limit' must be a number from 1 to 1000."


def test_a_cursor_that_we_did_not_make_is_400() -> None:
    add("a", "b", "c")
    good = following(Client().get(f"{BY_NAME}?limit=1"))
    assert good
    cursor = good.rpartition("cursor=")[2]
    forged = signing.Signer(salt="elsewhere").sign_object(["b"])
    for bad in (
        "",
        "x",
        "%00",
        "%FF",
        cursor[:-1],
        f"x{cursor}",
        forged,
        "é:ü",
        ":" * 9,
        "A" * 9000,
    ):
        [message] = refused(f"{BY_NAME}?cursor={bad}")
        assert "'cursor'" in message
    [message] = refused(f"{BY_DATE}?cursor={cursor}")
    assert "same list" in message


def test_unknown_and_repeated_parameters_are_400_and_each_is_named() -> None:
    """H15 for queries; all faults at once."""
    messages = refused(f"{BY_NAME}?limit=x&offset=3&q=1&q=2&cursor=z&sort=a")
    assert len(messages) == 5
    for name in ("limit", "offset", "q", "cursor", "sort"):
        assert sum(f"'{name}'" in message for message in messages) == 1


def test_a_cursor_is_signed_as_django_signs() -> None:
    """So that one of before an upgrade, or before a change of the key, is still taken."""
    ours, djangos = _Signer(salt="page"), signing.Signer(salt="page")

    for key in (None, "a key of before"):
        assert ours.signature("value", key) == djangos.signature("value", key)
