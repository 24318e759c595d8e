"""JSON Web Key Sets: fetched within limits, and of their keys only those that we accept."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Mapping
from typing import Any

import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

FETCH_TIMEOUT_SECONDS = 3.0
DOCUMENT_LIMIT_BYTES = 256 * 1024
# Bits. Below it is too weak (NIST SP 800-131A); far above it, one verification costs milliseconds.
RSA_MIN_BITS, RSA_MAX_BITS = 2048, 8192

KeySet = Mapping[str | None, PyJWK]

# Redirects and other schemes have no handler: whose keys we trust is decided by the settings alone.
_opener = urllib.request.OpenerDirector()
_opener.add_handler(urllib.request.ProxyHandler())
_opener.add_handler(urllib.request.HTTPHandler())
_opener.add_handler(urllib.request.HTTPSHandler())


class BadKeySet(Exception):
    """The document is not a key set, or holds no key that we accept."""


def fetch_document(url: str) -> bytes:
    """Return the body at `url`, within the time-out and the size limit.

    Raises OSError (urllib's errors are such), or http.client.HTTPException.
    """
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 (from the settings, which a check holds to http and https)
    ends_at = time.monotonic() + FETCH_TIMEOUT_SECONDS
    body = b""
    with _opener.open(request, timeout=FETCH_TIMEOUT_SECONDS) as response:
        if response.status != 200:
            raise OSError(f"it answered {response.status}")
        # Piece by piece: the socket's time-out alone lets a slow sender take for ever.
        while piece := response.read1(64 * 1024):
            body += piece
            if len(body) > DOCUMENT_LIMIT_BYTES:
                raise OSError(f"it is larger than {DOCUMENT_LIMIT_BYTES} bytes")
            if time.monotonic() > ends_at:
                raise OSError(f"it took longer than {FETCH_TIMEOUT_SECONDS} seconds")
    return body


def read_key_set(document: bytes) -> KeySet:
    """Return the acceptable keys of a JWKS document by their `kid`; others are left out.

    Raises BadKeySet when none remains.
    """
    try:
        entries = list(orjson.loads(document)["keys"])
    except (ValueError, TypeError, KeyError):
        raise BadKeySet("it is no JSON object with a list of keys") from None
    keys: dict[str | None, PyJWK] = {}
    for key in filter(None, map(_acceptable_key, entries)):
        # The first of two keys of one name counts, so that a later one can't displace it.
        keys.setdefault(key.key_id, key)
    if not keys:
        raise BadKeySet("it holds no RSA or P-256 signing key that is acceptable")
    return keys


def _acceptable_key(entry: Any) -> PyJWK | None:
    """Return the key of a JWKS entry if it is named, public, and good for RS256 or ES256."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    # A published private key ("d") belongs to everybody who read it.
    if entry.get("use") != "sig" or "d" in entry:
        return None
    try:
        key = PyJWK(entry)
    except (PyJWTError, TypeError):
        return None
    # The algorithm follows from the key, never from the token: RFC 8725, 3.1.
    if key.algorithm_name == "RS256":
        return key if RSA_MIN_BITS <= key.key.key_size <= RSA_MAX_BITS else None
    return key if key.algorithm_name == "ES256" and entry["crv"] == "P-256" else None
