"""What a JSON Web Key Set is worth: the public keys in it that we accept, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from jwt import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

# Bits. Below it is too weak (NIST SP 800-131A); far above it, one verification costs milliseconds.
RSA_MIN_BITS, RSA_MAX_BITS = 2048, 8192
# The algorithm follows from the key, never from the token: RFC 8725, 3.1.
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_jws = PyJWS()


class BadKeySet(Exception):
    """The document is not a key set, or holds no key that we accept."""


def read_key_set(document: bytes) -> Mapping[str, PyJWK]:
    """Return the acceptable keys of a JWKS document by their `kid`.

    Acceptable: named, for signatures (`use` is "sig"), RSA of 2048 to 8192 bits or EC P-256, and
    public only. Others are left out. Raises BadKeySet when none remains.
    """
    try:
        parsed = orjson.loads(document)
    except ValueError as error:
        raise BadKeySet("it is not JSON") from error
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list):
        raise BadKeySet("it has no list of keys")
    keys: dict[str, PyJWK] = {}
    for entry in entries:
        key = _key(entry)
        if key is not None:
            # The first of two keys of one name counts, so that a later one can't displace it.
            keys.setdefault(entry["kid"], key)
    if not keys:
        raise BadKeySet("it holds no RSA or P-256 signing key that is acceptable")
    return keys


def kid_of(token: str) -> str | None:
    """Return the name of the key that `token` claims to be signed with, or None.

    Raises jwt.InvalidTokenError when the token has no readable header.
    """
    kid: str | None = _jws.get_unverified_header(token).get("kid")
    return kid


def _key(entry: Any) -> PyJWK | None:
    """Build the key of one JWKS entry, or None if it is not acceptable."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    kty = entry.get("kty")
    if not isinstance(kty, str) or kty not in _ALGORITHMS or entry.get("use") != "sig":
        return None
    # A published private key ("d") belongs to everybody who read it.
    if entry.get("alg", _ALGORITHMS[kty]) != _ALGORITHMS[kty] or "d" in entry:
        return None
    try:
        members = {name: entry[name] for name in _PUBLIC_MEMBERS[kty]}
        key = PyJWK({"kty": kty, **members}, _ALGORITHMS[kty])
    except (PyJWTError, KeyError, TypeError, ValueError):
        return None
    if kty == "EC":
        return key if members["crv"] == "P-256" else None
    return key if RSA_MIN_BITS <= key.key.key_size <= RSA_MAX_BITS else None
