"""H17: one source of keys, and only keys that are worth something."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config.api.key_sets import BadKeySet, read_key_set
from config.api.keys import KeyFile, KeysUnavailable, key_source
from tests.issuer import FakeIssuer, SigningKey, ec_key, key_set, rsa_key, settle

SECRET = "s" * 32


def set_sources(settings: Settings, *, url: str = "", file: str = "", secret: str = "") -> None:
    settings.AUTH_JWKS_URL, settings.AUTH_JWKS_FILE = url, file
    settings.AUTH_SHARED_SECRET = secret


def errors() -> list[str]:
    return [
        message.msg for message in run_checks(tags=["security"]) if message.id == "modelpact.E001"
    ]


# --- Which source ---------------------------------------------------------------------------
def test_the_embedded_default_is_well_configured() -> None:
    assert errors() == []
    key_source().load()


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        ({}, ["AUTH_JWKS_URL", "AUTH_JWKS_FILE", "AUTH_SHARED_SECRET"]),
        (
            {"url": "https://issuer.example/jwks.json", "secret": SECRET},
            ["AUTH_JWKS_URL", "AUTH_SHARED_SECRET"],
        ),
        ({"file": "/keys.json", "secret": SECRET}, ["AUTH_JWKS_FILE", "AUTH_SHARED_SECRET"]),
        (
            {"url": "https://issuer.example/jwks.json", "file": "/keys.json"},
            ["AUTH_JWKS_URL", "AUTH_JWKS_FILE"],
        ),
        ({"secret": "s" * 31}, ["AUTH_SHARED_SECRET", "32"]),
        ({"url": "file:///etc/passwd"}, ["AUTH_JWKS_URL"]),
        ({"url": "issuer.example"}, ["AUTH_JWKS_URL"]),
        ({"url": "https://["}, ["AUTH_JWKS_URL"]),
    ],
)
def test_no_source_two_sources_or_an_unusable_one_is_an_error(
    sources: dict[str, str], named: list[str], settings: Settings
) -> None:
    """Never two families of algorithms at once; refused by the check and when running."""
    set_sources(settings, **sources)
    (error,) = errors()
    assert all(name in error for name in named)
    with pytest.raises(ImproperlyConfigured, match=named[0]):
        key_source()


def test_a_service_that_names_no_client_and_no_audience_is_an_error(
    settings: Settings,
) -> None:
    set_sources(settings, secret=SECRET + "of a service without clients")
    settings.AUTH_CLIENT_IDS, settings.AUTH_AUDIENCE = [], ""
    (error,) = errors()
    assert "AUTH_CLIENT_IDS" in error
    assert "AUTH_AUDIENCE" in error
    with pytest.raises(ImproperlyConfigured, match="AUTH_CLIENT_IDS"):
        key_source()


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://issuer.example/jwks.json", True),
        ("https://issuer.example/jwks.json", False),
        ("http://127.0.0.1:8080/jwks.json", False),
        ("", False),
    ],
)
def test_keys_fetched_without_tls_are_warned_of_before_a_deployment(
    url: str, warned: bool, settings: Settings
) -> None:
    set_sources(settings, url=url)
    found = run_checks(tags=["security"], include_deployment_checks=True)
    assert any(message.id == "modelpact.W001" for message in found) is warned


def test_preloading_fetches_before_the_first_request(
    settings: Settings, issuer: FakeIssuer
) -> None:
    set_sources(settings, url=issuer.url)
    key_source().load()
    settle()
    assert issuer.fetches == 1
    assert key_source().find("k1")
    assert issuer.fetches == 1


# --- Which keys -----------------------------------------------------------------------------
def test_a_key_brings_its_own_algorithm() -> None:
    keys = read_key_set(key_set(rsa_key("r"), ec_key("e")))
    assert {kid: key.algorithm_name for kid, key in keys.items()} == {"r": "RS256", "e": "ES256"}


def entry(key: SigningKey | None = None, **changed: Any) -> dict[str, Any]:
    made = {**(key or rsa_key("bad")).jwk, **changed}
    return {name: value for name, value in made.items() if value is not None}


UNACCEPTABLE: dict[str, Callable[[], Any]] = {
    "1024 bits": lambda: entry(rsa_key("bad", 1024)),
    "16384 bits": lambda: entry(n="_" * 2731),
    "for encryption": lambda: entry(use="enc"),
    "without a use": lambda: entry(use=None),
    "without a name": lambda: entry(kid=None),
    "named by a number": lambda: entry(kid=7),
    "of another algorithm": lambda: entry(alg="RS384"),
    "of an HMAC algorithm": lambda: entry(alg="HS256"),
    "private": lambda: entry(d="AQAB"),
    "alg a list": lambda: entry(alg=["RS256"]),
    "a secret": lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "bad", "use": "sig"},
    "P-384": lambda: entry(ec_key("bad"), crv="P-384"),
    "secp256k1": lambda: entry(ec_key("bad"), crv="secp256k1"),
    "no curve": lambda: entry(ec_key("bad"), crv=None),
    "off the curve": lambda: entry(ec_key("bad"), y="A" * 43),
    "Ed25519": lambda: {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "bad", "use": "sig"},
    "half a key": lambda: entry(n=None),
    "a numeric modulus": lambda: entry(n=5),
    "not base64": lambda: entry(n="!!!"),
    "an even exponent": lambda: entry(e="Ag"),
    "kty a list": lambda: entry(kty=["RSA"]),
    "text": lambda: "bad",
    "null": lambda: None,
}


@pytest.mark.parametrize("unacceptable", UNACCEPTABLE.values(), ids=UNACCEPTABLE)
def test_a_key_that_is_not_acceptable_is_left_out(unacceptable: Callable[[], Any]) -> None:
    """H17: "accept only RSA >= 2048 with use sig" (and P-256); one bad key spoils no good one."""
    document = json.dumps({"keys": [unacceptable(), rsa_key("good").jwk]}).encode()
    assert list(read_key_set(document)) == ["good"]
    with pytest.raises(BadKeySet):
        read_key_set(json.dumps({"keys": [unacceptable()]}).encode())


def test_the_first_of_two_keys_of_one_name_counts() -> None:
    first, second = rsa_key("one").jwk, {**rsa_key("two").jwk, "kid": "one"}
    keys = read_key_set(json.dumps({"keys": [first, second]}).encode())
    assert keys["one"].key.public_numbers() == rsa_key("one").private.public_key().public_numbers()


@pytest.mark.parametrize(
    "document",
    [b"", b"<html>", b"null", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"\xff", b"[" * 5000],
)
def test_a_document_without_a_key_is_no_key_set(document: bytes) -> None:
    with pytest.raises(BadKeySet):
        read_key_set(document)


# --- The file -------------------------------------------------------------------------------
def write(path: Path, content: bytes, *, at: int) -> None:
    path.write_bytes(content)
    os.utime(path, (at, at))


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    write(path, key_set(rsa_key("k1")), at=1)
    source = KeyFile(str(path))
    assert source.find("k1")
    assert source.find("k2") is None
    write(path, key_set(rsa_key("k2")), at=2)
    assert source.find("k2")
    assert source.find("k1") is None


def test_a_file_that_becomes_unusable_changes_nothing_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "jwks.json"
    write(path, key_set(rsa_key("k1")), at=1)
    source = KeyFile(str(path))
    assert source.find("k1")
    write(path, b'{"keys": []}', at=2)
    assert source.find("k1")
    assert source.find("k1")
    path.unlink()
    assert source.find("k1")
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


def test_without_a_usable_file_tokens_cannot_be_judged(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    source = KeyFile(str(path))
    with pytest.raises(KeysUnavailable):
        source.find("k1")
    write(path, key_set(rsa_key("k1")), at=1)
    assert source.find("k1"), "it recovers alone"
