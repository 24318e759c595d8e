"""The keys that verify tokens: a shared secret, a key set in a file, or the issuer's key set.

PyJWT parses keys and verifies with them, but its PyJWKClient (2.15) is not enough to fetch them:
every look-up takes the lock that is held during a fetch, so an issuer that hangs holds up tokens
whose keys are cached; a failed fetch starts no cool-down; after `lifespan` no key is used while the
issuer is away, and under `cache_keys` each is used for ever; `timeout` is for each read of the
socket, and nothing limits the size. It also takes keys for any algorithm, of any length.
"""

from __future__ import annotations

import base64
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt import PyJWK

from config.api import key_sets
from config.api.key_sets import BadKeySet, KeySet, fetch_document, read_key_set
from config.checks import rights_faults
from models_registry.errors import DomainError

logger = logging.getLogger(__name__)

# Older keys are fetched again in the background; beyond the limit they are not used any more.
REFRESH_SECONDS, STALE_LIMIT_SECONDS = 300.0, 24 * 3600.0
# Between two fetches at least; doubled with each failure in a row, up to the limit, which is also
# what follows a fetch that a token with an unknown key caused.
COOLDOWN_SECONDS, COOLDOWN_LIMIT_SECONDS = 10.0, 60.0


class KeysUnavailable(DomainError):
    """No key is at hand to verify a token with, so it can be neither accepted nor refused."""

    code = "keys_unavailable"
    status = 503
    message = "Tokens can't be verified at the moment. Try again later."
    retry_after_seconds = 10


class KeySource(Protocol):
    def find(self, kid: str | None) -> PyJWK | None:
        """Return the key for tokens that name `kid`, with its algorithm; None if there is none.

        Raises KeysUnavailable.
        """

    def load(self) -> object:
        """Load the keys ahead of the first request; what takes time is done in the background."""


def key_source() -> KeySource:
    """Return the one source that the settings name.

    Raises ImproperlyConfigured when they name none or several, or leave a gap: a service that
    can't tell whose tokens it accepts must accept none.
    """
    return _source(settings.AUTH_JWKS_URL, settings.AUTH_JWKS_FILE, settings.AUTH_SHARED_SECRET)


@cache
def _source(url: str, file: str, secret: str) -> KeySource:
    faults = rights_faults()
    if faults:
        raise ImproperlyConfigured(" ".join(faults))
    if url:
        return IssuerKeys(url)
    return KeyFile(file) if file else SharedSecret(secret)


class SharedSecret:
    """One secret, known to whoever mints tokens and to us: HS256."""

    def __init__(self, secret: str) -> None:
        encoded = base64.urlsafe_b64encode(secret.encode()).decode()
        self._key = PyJWK({"kty": "oct", "k": encoded}, "HS256")

    def find(self, kid: str | None) -> PyJWK:
        return self._key

    def load(self) -> None:
        """Nothing to load."""


class KeyFile:
    """A key set in a file, read again when the file changes; a bad new one changes nothing."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._keys: KeySet = {}
        self._seen: object = None

    def find(self, kid: str | None) -> PyJWK | None:
        self.load()
        if not self._keys:
            raise KeysUnavailable
        return self._keys.get(kid)

    def load(self) -> None:
        try:
            stat = self._path.stat()
            state: object = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            state = "absent"
        if state == self._seen:
            return
        try:
            self._keys = read_key_set(self._path.read_bytes())
        except (OSError, BadKeySet) as error:
            logger.error("AUTH_JWKS_FILE was not taken: %s", error)
        self._seen = state


class IssuerKeys:
    """The key set that the issuer publishes at `url`, as a fetch in the background last saw it.

    A request uses what is held. It waits for a fetch, up to the time-out, in two cases only:
    nothing recent is held and no fetch has failed lately (the start of the process, or after an
    idle time), or it is the one request that caused a fetch by naming an unknown key.

    A fetch starts when the held keys are older than REFRESH_SECONDS, or when a token names a key
    that is not held, but never within the cool-down after another. So a key that the issuer has
    just begun to use works after 10 seconds, 60 if somebody sends tokens with made-up keys, and no
    flood of those costs the issuer more than a fetch a minute. A key that the issuer has withdrawn
    is refused after twice REFRESH_SECONDS at the latest, unless the issuer does not answer.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        # Replaced whole, never changed, so readers need no lock.
        self._keys: KeySet = {}
        self._fetched_at = -math.inf
        self._forget_fetches()
        # A fork leaves the thread of a fetch behind, and perhaps the lock taken.
        os.register_at_fork(after_in_child=self._forget_fetches)

    def _forget_fetches(self) -> None:
        # Guards the decision to start a fetch; never held while one runs.
        self._starting = threading.Lock()
        self._fetch: threading.Thread | None = None
        # Fetches begun since the last that succeeded: 1 while the first runs, more are failures.
        self._tries = 0
        self._next_fetch_at = -math.inf

    def find(self, kid: str | None) -> PyJWK | None:
        age = self._age()
        if age > REFRESH_SECONDS:
            self.load()
            if age > 2 * REFRESH_SECONDS and self._tries <= 1 and self._fetch:
                self._fetch.join(key_sets.FETCH_TIMEOUT_SECONDS)
        if self._age() > STALE_LIMIT_SECONDS:
            raise KeysUnavailable
        if kid is not None and kid not in self._keys:
            fetch = self.load(cooldown_seconds=COOLDOWN_LIMIT_SECONDS)
            if fetch:
                fetch.join(key_sets.FETCH_TIMEOUT_SECONDS)
        return self._keys.get(kid)

    def load(self, *, cooldown_seconds: float = COOLDOWN_SECONDS) -> threading.Thread | None:
        """Start a fetch in the background and return it; None within the cool-down of another.

        The cool-down given is the one after its success.
        """
        with self._starting:
            now = self._clock()
            if now < self._next_fetch_at:
                return None
            fetch = threading.Thread(
                target=self._run, args=(cooldown_seconds,), name="jwks", daemon=True
            )
            try:
                fetch.start()
            except RuntimeError as error:  # no thread to be had; what we hold is still good
                logger.warning("The keys at AUTH_JWKS_URL were not fetched: %r", error)
                return None
            self._fetch = fetch
            # It counts as failed until it has succeeded: one that never ends is like any other.
            cooldown = COOLDOWN_SECONDS * 2 ** min(self._tries, 10)
            self._next_fetch_at = now + min(cooldown, COOLDOWN_LIMIT_SECONDS)
            self._tries += 1
            return fetch

    def _run(self, cooldown_seconds: float) -> None:
        try:
            keys = read_key_set(fetch_document(self._url))
        except Exception as error:  # whatever it is, the keys we hold are better
            logger.warning("The keys at AUTH_JWKS_URL were not fetched: %r", error)
            return
        with self._starting:
            now = self._clock()
            self._keys, self._fetched_at = keys, now
            self._tries, self._next_fetch_at = 0, now + cooldown_seconds

    def _age(self) -> float:
        return self._clock() - self._fetched_at
