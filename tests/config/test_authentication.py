"""H16, H17, H21 and H25 of the catalogue: which tokens are taken, and what refusals look like."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIRequestFactory

from config.api.authentication import TokenRefused, principal_for
from tests.config.probe import MESSAGE, Probe, assert_refused, call, send
from tests.issuer import FakeIssuer, ec_key, key_set, rsa_key, settle
from tests.tokens import claims, token

KEY = rsa_key("k1")


@pytest.fixture
def jwks_file(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(KEY, ec_key("e1")))
    settings.AUTH_SHARED_SECRET, settings.AUTH_JWKS_FILE = "", str(path)


@pytest.fixture
def jwks_url(settings: Settings, issuer: FakeIssuer) -> FakeIssuer:
    settings.AUTH_SHARED_SECRET, settings.AUTH_JWKS_URL = "", issuer.url
    return issuer


# --- Tokens that are good -------------------------------------------------------------------
def test_a_token_signed_with_the_shared_secret_is_taken() -> None:
    response = call("read", token("read_models"))
    assert response.status_code == 200
    assert json.loads(response.content) == {"subject": "tester"}


@pytest.mark.usefixtures("jwks_file")
@pytest.mark.parametrize("key", [KEY, ec_key("e1")], ids=["RS256", "ES256"])
def test_a_token_signed_with_a_key_of_the_issuer_is_taken(key: Any) -> None:
    assert call("read", key.sign(claims("read_models"))).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    """RFC 9110, 11.1."""
    assert send("read", f"{scheme} {token()}").status_code == 200


def test_a_token_that_was_taken_is_refused_once_it_has_expired() -> None:
    """The leeway is 30 s."""
    now = int(time.time())
    expiring = token(exp=now - 28)
    assert call("read", expiring).status_code == 200
    assert call("read", expiring).status_code == 200
    time.sleep(max(0.0, now + 2.05 - time.time()))
    assert_refused(call("read", expiring))


def test_a_token_that_was_taken_is_refused_once_its_key_is_withdrawn_or_replaced(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    settings.AUTH_SHARED_SECRET, settings.AUTH_JWKS_FILE = "", str(path)
    signed_token = KEY.sign(claims("read_models"))
    replaced = {"keys": [{**rsa_key("other").jwk, "kid": "k1"}]}
    for keys in (key_set(ec_key("e1")), json.dumps(replaced).encode()):
        path.write_bytes(key_set(KEY))
        assert call("read", signed_token).status_code == 200
        path.write_bytes(keys)
        assert_refused(call("read", signed_token))


# --- Forgeries ------------------------------------------------------------------------------
def raw(header: bytes, payload: bytes = b"{}", signature: bytes = b"") -> str:
    """Join the parts of a token, whatever they are."""
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload, signature))
    return b".".join(parts).decode()


def good_payload() -> bytes:
    return json.dumps(claims()).encode()


def signed_with_public_key() -> str:
    public = KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = raw(b'{"alg":"HS256","kid":"k1"}', good_payload()).rsplit(".", 1)[0]
    signature = hmac.digest(public, unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed(algorithm: str = "RS256", key: Any = KEY.private, **headers: Any) -> str:
    return jwt.encode(claims(), key, algorithm, headers={"kid": "k1", **headers})


def with_kid(kid: str) -> str:
    """Sign a token, with the right key, whose `kid` is any JSON."""
    unsigned = raw(f'{{"alg":"RS256","kid":{kid}}}'.encode(), good_payload())[:-1]
    signature = KEY.private.sign(unsigned.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": lambda: raw(b'{"alg":"none"}', good_payload()),
    "alg none with kid": lambda: raw(b'{"alg":"none","kid":"k1"}', good_payload()),
    "alg nOnE": lambda: raw(b'{"alg":"nOnE","kid":"k1"}', good_payload()),
    "no alg": lambda: raw(b'{"kid":"k1"}', good_payload()),
    "HS256 with the public key": signed_with_public_key,
    "HS256 with the empty secret": lambda: raw(b'{"alg":"HS256"}', good_payload()),
    "RS384": lambda: signed("RS384"),
    "PS256": lambda: signed("PS256"),
    "ES256 under the name of an RSA key": lambda: signed("ES256", ec_key("e1").private),
    "another key": lambda: signed(key=rsa_key("other").private),
    "unknown kid": lambda: signed(kid="k9"),
    "no kid": lambda: jwt.encode(claims(), KEY.private, "RS256"),
    "kid a number": lambda: with_kid("1"),
    "kid a list": lambda: with_kid('["k1"]'),
    "kid null": lambda: with_kid("null"),
    "kid a path": lambda: signed(kid="../../../../dev/null"),
    "kid with NUL": lambda: signed(kid="k1\0"),
    "jku": lambda: signed(key=rsa_key("other").private, jku="http://127.0.0.1:1/jwks.json"),
    "embedded jwk": lambda: signed(key=rsa_key("other").private, jwk=rsa_key("other").jwk),
    "crit": lambda: signed(crit=["exp"]),
    "b64 false": lambda: raw(b'{"alg":"RS256","kid":"k1","b64":false,"crit":["b64"]}', b""),
    "signature cut off": lambda: signed().rsplit(".", 1)[0] + ".",
    "payload exchanged": lambda: ".".join(
        [signed().split(".")[0], raw(good_payload()).split(".")[0], signed().split(".")[2]]
    ),
    "two parts": lambda: ".".join(signed().split(".")[:2]),
    "four parts": lambda: signed() + ".x",
    "five parts": lambda: "a.b.c.d.e",
    "no part": lambda: "x",
    "dots": lambda: "..",
    "padding inside": lambda: signed().replace(".", "=.", 1),
    "header not JSON": lambda: raw(b"\xff\xfe", good_payload()),
    "header a list": lambda: raw(b"[]", good_payload()),
    "header 2,900 deep": lambda: raw(b'{"kid":' + b"[" * 2900),
    "payload 2,900 deep": lambda: raw(b'{"alg":"RS256","kid":"k1"}', b"[" * 2900),
    "header with 5,000 digits": lambda: raw(b'{"alg":"RS256","kid":' + b"9" * 5000 + b"}"),
    "header with NaN": lambda: raw(b'{"alg":NaN,"kid":"k1"}'),
    "over 8 KiB": lambda: signed(filler="x" * 8192),
    "1 MB": lambda: "x" * 10**6,
    "70 kB of dots": lambda: "." * 70_000,
}


@pytest.mark.usefixtures("jwks_file")
def test_a_token_made_by_hand_is_taken_if_nothing_is_wrong_with_it() -> None:
    """Else the forgeries below could be refused for how they are made."""
    assert call("read", with_kid('"k1"')).status_code == 200
    assert call("read", signed()).status_code == 200


@pytest.mark.usefixtures("jwks_file")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_refused(forge: Callable[[], str]) -> None:
    """H16; H25 for the large ones."""
    assert_refused(call("read", forge()))


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_refused_where_a_secret_is_shared(forge: Callable[[], str]) -> None:
    assert_refused(call("read", forge()))


def test_a_token_longer_than_8_kib_is_refused_though_its_signature_is_good() -> None:
    """H16: 'token <= 8 KiB before any parsing'."""
    assert call("read", token(filler="x" * 4000)).status_code == 200
    assert_refused(call("read", token(filler="x" * 8000)))


def test_keys_named_by_a_token_are_never_fetched(jwks_url: FakeIssuer, settings: Settings) -> None:
    assert call("read", KEY.sign(claims())).status_code == 200
    attacker = FakeIssuer(rsa_key("other"))
    try:
        assert_refused(
            call("read", rsa_key("other").sign(claims(), jku=attacker.url, x5u=attacker.url))
        )
        assert attacker.fetches == 0
    finally:
        attacker.close()


@pytest.mark.parametrize(
    "header",
    [
        "Basic dTpw",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Token x",
        "Bearer a b",
        "Bearer a,b",
        "Bearer \x00",
        "Bearer \xe9",
        "Bearer €",
        ", Bearer x",
        "x" * 20_000,
    ],
)
def test_a_header_that_is_no_bearer_token_is_refused(header: str) -> None:
    assert_refused(send("read", header.encode().decode("latin-1")))


# --- What the answer tells, and what the log does --------------------------------------------
def test_every_refusal_looks_the_same_and_only_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """H16: one message for all reasons, the reason code only in logs; H23: no token in them."""
    caplog.set_level("INFO")
    tokens = {
        "InvalidSignatureError": jwt.encode(claims(), "x" * 32, "HS256"),
        "InvalidAlgorithmError": raw(b'{"alg":"none"}', good_payload()),
        "ExpiredSignatureError": token(exp=1),
        "client_id": token(client_id="somebody-else"),
        "callback_token": "mpjob_x.y.z",
        "too_long": "x" * 9000,
    }
    answers = {call("read", refused).content for refused in tokens.values()}
    assert len(answers) == 1
    assert [record.getMessage() for record in caplog.records if "refused" in record.message] == [
        f"Token refused: {reason}" for reason in tokens
    ]
    for refused in tokens.values():
        assert not any(part in caplog.text for part in refused.split(".") if len(part) > 5)


def test_a_call_without_a_token_is_asked_for_one() -> None:
    """API page: 401 with `WWW-Authenticate: Bearer`."""
    response = call("read")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert json.loads(response.content)["message"] == MESSAGE


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """H28."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def spy(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return real(left, right)

    monkeypatch.setattr("jwt.algorithms.hmac.compare_digest", spy)
    with pytest.raises(TokenRefused):
        principal_for(jwt.encode(claims(), "x" * 32, "HS256"))
    assert len(compared) == 1


def test_a_session_cookie_is_not_looked_at() -> None:
    """H21: `/v2` takes bearer tokens only."""
    request = APIRequestFactory().get("/v2/probe")
    request.user = User(username="admin", is_staff=True, is_superuser=True)
    response = Probe.as_view({"get": "read"})(request)
    assert response.status_code == 401


# --- Keys over HTTP -------------------------------------------------------------------------
def test_while_no_key_was_ever_loaded_tokens_are_neither_taken_nor_refused(
    jwks_url: FakeIssuer,
) -> None:
    """H17: cold start with JWKS down: 503 and Retry-After, and it recovers alone."""
    jwks_url.mode = "500"
    response = call("read", KEY.sign(claims()))
    assert response.status_code == 503
    assert 1 <= int(response.headers["Retry-After"]) <= 10
    body = json.loads(response.content)
    assert (body["success"], body["code"]) == (False, "keys_unavailable")
    assert call("health", KEY.sign(claims())).status_code == 200
    settle()


def test_an_unknown_key_is_401_and_a_known_one_goes_on_while_the_issuer_fails(
    jwks_url: FakeIssuer,
) -> None:
    assert call("read", KEY.sign(claims())).status_code == 200
    jwks_url.mode = "garbage"
    assert_refused(call("read", rsa_key("k9").sign(claims())))
    assert call("read", KEY.sign(claims())).status_code == 200
