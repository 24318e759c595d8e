"""Where the keys that verify tokens come from: a shared secret, a JWKS file or a JWKS address."""

from __future__ import annotations

import base64
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from jwt import PyJWK

from config.api.jwks import BadKeySet, kid_of, read_key_set
from config.api.key_store import KeyStore, KeysUnavailable
from config.checks import rights_faults

logger = logging.getLogger(__name__)


class KeySource(Protocol):
    def key_of(self, token: str) -> PyJWK | None:
        """Return the key that `token` must be signed with; None when it names none we know.

        The key brings its own algorithm. Raises KeysUnavailable, and jwt.InvalidTokenError when
        the token has no readable header.
        """

    def preload(self) -> None:
        """Make the first request as fast as the others, as far as that is possible."""


class SharedSecret:
    """One secret, known to whoever mints tokens and to us: HS256."""

    def __init__(self, secret: str) -> None:
        encoded = base64.urlsafe_b64encode(secret.encode()).decode()
        self._key = PyJWK({"kty": "oct", "k": encoded}, "HS256")

    def key_of(self, token: str) -> PyJWK | None:
        return self._key

    def preload(self) -> None:
        """Nothing to load."""


class JwksFile:
    """A key set in a file, read again when the file changes; a bad new one changes nothing."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: object = None
        self._keys: Mapping[str, PyJWK] = {}

    def key_of(self, token: str) -> PyJWK | None:
        kid = kid_of(token)
        self.preload()
        if not self._keys:
            raise KeysUnavailable(retry_after_seconds=10)
        return self._keys.get(kid) if kid is not None else None

    def preload(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        try:
            self._keys = read_key_set(self._path.read_bytes())
        except (OSError, BadKeySet) as error:
            logger.error("AUTH_JWKS_FILE was not taken: %s", error)
        self._seen = state

    def _state(self) -> object:
        try:
            stat = os.stat(self._path)  # noqa: PTH116 (on every request: half the cost of Path.stat)
        except OSError:
            return "absent"
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


class JwksUrl:
    """A key set that the issuer publishes; the store fetches it, beside the requests."""

    def __init__(self, url: str) -> None:
        self._store = KeyStore(url)

    def key_of(self, token: str) -> PyJWK | None:
        kid = kid_of(token)
        return self._store.get(kid) if kid is not None else None

    def preload(self) -> None:
        self._store.refresh()


def key_source() -> KeySource:
    """Return the one source that the settings name.

    Raises ImproperlyConfigured when they name none or several, or leave a gap: a service that
    can't tell whose tokens it accepts must accept none.
    """
    return _chosen.get("source") or _choose()


def preload() -> None:
    """Start loading the keys, in the background where that takes time.

    Raises ImproperlyConfigured, so that a server with unusable settings does not start.
    """
    key_source().preload()


_sources: dict[tuple[str, str, str], KeySource] = {}
_chosen: dict[str, KeySource] = {}
_building = threading.Lock()


def _choose() -> KeySource:
    wanted = settings.AUTH_JWKS_URL, settings.AUTH_JWKS_FILE, settings.AUTH_SHARED_SECRET
    with _building:
        source = _sources.get(wanted) or _sources.setdefault(wanted, _build(*wanted))
        _chosen["source"] = source
    return source


@receiver(setting_changed)
def _choose_anew(**_: Any) -> None:
    """Read the settings again: only tests change them while a process runs."""
    _chosen.clear()


def _build(url: str, file: str, secret: str) -> KeySource:
    faults = rights_faults()
    if faults:
        raise ImproperlyConfigured(" ".join(faults))
    if url:
        return JwksUrl(url)
    return JwksFile(file) if file else SharedSecret(secret)
