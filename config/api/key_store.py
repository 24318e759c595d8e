"""The keys of an issuer, held so that no request waits for it and its outages go unnoticed."""

from __future__ import annotations

import http.client
import logging
import math
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from email.message import Message
from typing import IO, NamedTuple

from jwt import PyJWK

from config.api.jwks import read_key_set
from models_registry.errors import DomainError

logger = logging.getLogger(__name__)

FETCH_TIMEOUT_SECONDS = 3.0
DOCUMENT_LIMIT_BYTES = 256 * 1024
# Older keys are fetched again in the background.
REFRESH_SECONDS = 300.0
# Older keys are not used any more, even if the issuer does not answer.
STALE_LIMIT_SECONDS = 24 * 3600.0
# Between two fetches at least; doubled with each failure in a row, up to the limit.
COOLDOWN_SECONDS, COOLDOWN_LIMIT_SECONDS = 10.0, 60.0
# Between two fetches that a token with an unknown key caused.
UNKNOWN_KEY_SECONDS = 60.0


class KeysUnavailable(DomainError):
    """No key is at hand to verify a token with, so it can be neither accepted nor refused."""

    code = "keys_unavailable"
    status = 503
    message = "Tokens can't be verified at the moment. Try again later."

    def __init__(self, *, retry_after_seconds: float) -> None:
        super().__init__()
        self.retry_after_seconds = math.ceil(max(1.0, retry_after_seconds))


class _Held(NamedTuple):
    """One fetched key set. Replaced whole, never changed, so readers need no lock."""

    keys: Mapping[str, PyJWK]
    fetched_at: float


class KeyStore:
    """The key set at `url`, as a fetch in the background last saw it.

    A request uses what is held. It waits for a fetch, up to the time-out, in two cases only:
    nothing recent is held and no fetch has failed lately (the start of the process, or after an
    idle time), or it is the one request that caused a fetch by naming an unknown key.

    A fetch starts when the held keys are older than REFRESH_SECONDS, or when a token names a key
    that is not held; for the latter there is one successful fetch a minute at most, and no fetch
    starts within the cool-down after another. So a key that the issuer has just begun to use
    works after 10 seconds, 60 if somebody sends tokens with made-up keys, and no flood of those
    costs the issuer more than a fetch a minute. A key that the issuer has withdrawn is refused
    after twice REFRESH_SECONDS at the latest, unless the issuer does not answer.
    """

    _fetch: threading.Thread | None
    _failures: int

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._held = _Held({}, float("-inf"))
        self._unknown_not_before = float("-inf")
        self._forget_fetches()
        # A fork leaves the thread of a fetch behind, and perhaps the lock taken.
        os.register_at_fork(after_in_child=self._forget_fetches)

    def get(self, kid: str) -> PyJWK | None:
        """Return the key named `kid`, or None if the issuer has none of that name.

        Raises KeysUnavailable when nothing usable is held.
        """
        age = self._age()
        if age > REFRESH_SECONDS:
            self.refresh()
            if age > 2 * REFRESH_SECONDS:
                self._wait_unless_issuer_is_away()
        if self._age() > STALE_LIMIT_SECONDS:
            raise KeysUnavailable(retry_after_seconds=self._not_before - self._clock())
        return self._held.keys.get(kid) or self._ask_for(kid)

    def refresh(self) -> threading.Thread | None:
        """Start a fetch in the background and return it; None during the cool-down."""
        if self._clock() < self._not_before:
            return None
        with self._starting:
            now = self._clock()
            if now < self._not_before:
                return None
            try:
                return self._start(now)
            except RuntimeError as error:  # no thread to be had; what we hold is still good
                logger.warning("The keys at AUTH_JWKS_URL were not fetched: %r", error)
                return None

    def _start(self, now: float) -> threading.Thread:
        """Start a fetch and the cool-down; must hold the lock."""
        fetch = threading.Thread(target=self._run, name="jwks", daemon=True)
        fetch.start()
        # Known before the cool-down shows, so that whoever meets that can wait for the fetch.
        self._fetch = fetch
        # It counts as failed until it has succeeded. One that never ends is thus like any other:
        # the next may start after the cool-down, which is longer than a fetch should take.
        self._failures += 1
        doublings = min(self._failures - 1, 10)
        self._not_before = now + min(COOLDOWN_SECONDS * 2**doublings, COOLDOWN_LIMIT_SECONDS)
        return fetch

    def _forget_fetches(self) -> None:
        # Guards the decision to start a fetch; never held while one runs.
        self._starting = threading.Lock()
        self._fetch = None
        self._not_before = float("-inf")
        self._failures = 0

    def _age(self) -> float:
        return self._clock() - self._held.fetched_at

    def _wait_unless_issuer_is_away(self) -> None:
        # The fetch under way is the one failure that `refresh` has already counted.
        if self._failures <= 1 and self._fetch is not None:
            self._fetch.join(FETCH_TIMEOUT_SECONDS)

    def _ask_for(self, kid: str) -> PyJWK | None:
        """Fetch for a key that is not held, if it is time for that."""
        started_at = self._clock()
        fetch = self.refresh() if started_at >= self._unknown_not_before else None
        if fetch is None:
            return None
        fetch.join(FETCH_TIMEOUT_SECONDS)
        if self._held.fetched_at >= started_at:
            self._unknown_not_before = self._clock() + UNKNOWN_KEY_SECONDS
        return self._held.keys.get(kid)

    def _run(self) -> None:
        try:
            keys = read_key_set(fetch_document(self._url))
        except Exception as error:  # whatever it is, the keys we hold are better
            logger.warning("The keys at AUTH_JWKS_URL were not fetched: %r", error)
            return
        with self._starting:
            now = self._clock()
            self._held = _Held(keys, now)
            self._failures = 0
            self._not_before = now + COOLDOWN_SECONDS


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are refused: whose keys we trust is decided by the settings alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage | Message,
        newurl: str,
    ) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def fetch_document(url: str) -> bytes:
    """Return the body at `url`, within the time-out and the size limit.

    Raises OSError (urllib's errors are such), or http.client.HTTPException.
    """
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 (from the settings, which a check holds to http and https)
    ends_at = time.monotonic() + FETCH_TIMEOUT_SECONDS
    body = bytearray()
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
    return bytes(body)
