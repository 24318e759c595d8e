"""H16 and F16 of the catalogue: what the claims of a token must be."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from tests.config.probe import assert_refused, call
from tests.tokens import ABSENT, token, token_of

NOW = int(time.time())


def test_a_token_whose_times_are_within_the_leeway_is_taken() -> None:
    """F16: `iat` 20 s ahead is accepted, 120 s ahead is refused; the leeway is 30 s."""
    now = int(time.time())
    for times in ({"iat": now + 20}, {"nbf": now + 20}, {"exp": now - 20}, {"exp": now + 0.5}):
        assert call("read", token_of(times)).status_code == 200, times
    for times in ({"iat": now + 120}, {"nbf": now + 120}, {"exp": now - 40}):
        assert_refused(call("read", token_of(times)))


ABSURD_TIMES: tuple[Any, ...] = (str(NOW + 60), 10**18, 10**400, -1, {}, "soon")
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    **{
        f"{name} {word}": {name: value}
        for name in ("exp", "iat", "iss", "sub", "token_use", "client_id", "jti")
        for word, value in (
            ("missing", ABSENT),
            ("null", None),
            ("a list", ["x"]),
            ("a bool", True),
        )
    },
    **{
        f"{name} absurd {number}": {name: value}
        for name in ("exp", "iat", "nbf")
        for number, value in enumerate(ABSURD_TIMES)
    },
    "expired": {"exp": NOW - 3600},
    "expired at the epoch": {"exp": 0},
    "iat an hour ahead": {"iat": NOW + 3600},
    "nbf an hour ahead": {"nbf": NOW + 3600},
    "another issuer": {"iss": "https://issuer.example"},
    "an issuer with a slash more": {"iss": "modelpact-embedded/"},
    "an id token": {"token_use": "id"},
    "another client": {"client_id": "somebody-else"},
    "another audience": {"aud": "somebody-else"},
    "an audience nobody configured": {"aud": []},
    "sub empty": {"sub": ""},
    "sub of 256 characters": {"sub": "x" * 256},
    "sub with NUL": {"sub": "a\0b"},
    "sub with a line break": {"sub": "a\nFAKE"},
    "client_id a list that holds a good one": {"client_id": ["modelpact-embedded"]},
    "scope a list": {"scope": ["streamline/admin"]},
    "scope an object": {"scope": {"streamline/admin": 1}},
    "scope null": {"scope": None},
    "groups the text admin": {"cognito:groups": "admin"},
    "groups an object": {"cognito:groups": {"admin": 1}},
    "groups with a number": {"cognito:groups": ["admin", 1]},
    "groups null": {"cognito:groups": None},
}


@pytest.mark.parametrize("changed", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_a_claim_that_is_missing_or_wrong_is_refused(changed: dict[str, Any]) -> None:
    """H16: required and typed claims; `exp` of 10^18 made a library answer 500."""
    assert call("read", token_of({})).status_code == 200
    assert_refused(call("read", token_of(changed)))


@pytest.mark.parametrize(
    "payload", [b"[]", b"null", b"x", b"", b"\xff", b'{"exp": NaN}', b'{"exp": 1e999}', b"[" * 2900]
)
def test_a_signed_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    signed_token = jwt.api_jws.encode(
        payload, django_settings.AUTH_SHARED_SECRET, algorithm="HS256"
    )
    assert_refused(call("read", signed_token))


@pytest.mark.parametrize(
    ("aud", "taken"),
    [
        ("https://models.example", True),
        (["https://models.example"], True),
        (["https://other.example", "https://models.example"], True),
        ("https://other.example", False),
        ("https://models.example/", False),
        (["https://other.example"], False),
        ({"https://models.example": 1}, False),
        (["https://models.example", 1], False),
        ([], False),
        (None, False),
        (ABSENT, False),
    ],
)
def test_a_configured_audience_must_be_named(aud: Any, taken: bool, settings: Settings) -> None:
    settings.AUTH_AUDIENCE = "https://models.example"
    for clients in (["modelpact-embedded"], []):
        settings.AUTH_CLIENT_IDS = clients
        signed_token = token(aud=aud, client_id="modelpact-embedded")
        assert call("read", signed_token).status_code == (200 if taken else 401)


def test_the_audience_does_not_make_up_for_a_client_that_is_not_listed(settings: Settings) -> None:
    settings.AUTH_AUDIENCE = "https://models.example"
    assert_refused(call("read", token(aud=settings.AUTH_AUDIENCE, client_id="somebody-else")))


def test_without_clients_and_audience_no_token_is_taken(settings: Settings) -> None:
    signed_token = token()
    assert call("read", signed_token).status_code == 200
    settings.AUTH_CLIENT_IDS = []
    assert_refused(call("read", signed_token))
