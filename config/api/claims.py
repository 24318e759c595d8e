"""What the claims of a verified token must be, and which rights they give."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from models_registry.api.principals import SCOPES, Principal

# The end of the year 9999; later times overflow dates, and nobody means them.
LATEST_TIME = 253_402_300_799
# OpenID Connect, 2: `sub` has at most 255 characters.
NAME_LIMIT = 255
# Cognito writes these into a token only when a person has signed in.
_HUMAN_CLAIMS = ("username", "cognito:username", "cognito:groups")


class TokenRefused(Exception):
    """A token is not accepted; `reason` is a fixed word for the log, never text of the token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class _Times(NamedTuple):
    """When a token holds, in seconds since 1970."""

    expires_at: float
    issued_at: float
    not_before: float


class _Rules(NamedTuple):
    """The settings that decide whom a token names."""

    issuer: str
    token_use: str
    clients: frozenset[str]
    audience: str
    scope_prefix: str
    admin_group: str


def principal_of(payload: bytes) -> Principal:
    """Return the caller whom the payload of a verified JWT names, if it holds now.

    Every claim has exactly the type it should: `"admin" in "admin"` is true in Python, for a list
    of groups and for a text. Raises TokenRefused.
    """
    principal, times = _read_claims(payload, _rules())
    _check_times(times)
    return principal


@cache
def _rules() -> _Rules:
    return _Rules(
        settings.AUTH_ISSUER,
        settings.AUTH_TOKEN_USE,
        frozenset(settings.AUTH_CLIENT_IDS),
        settings.AUTH_AUDIENCE,
        settings.AUTH_SCOPE_PREFIX,
        settings.AUTH_ADMIN_GROUP,
    )


@receiver(setting_changed)
def _forget_rules(**_: Any) -> None:
    """Read the settings anew: only tests change them while a process runs."""
    _rules.cache_clear()


# Callers send the same token for an hour. Of what it says, only the time is looked at anew.
@lru_cache(maxsize=1000)
def _read_claims(payload: bytes, rules: _Rules) -> tuple[Principal, _Times]:
    claims = _read(payload)
    _check_names(claims, rules)
    times = _Times(
        _time(claims, "exp"),
        _time(claims, "iat"),
        _time(claims, "nbf") if "nbf" in claims else 0.0,
    )
    _check_addressee(claims, rules)
    return _principal(claims, rules), times


def _principal(claims: Mapping[str, Any], rules: _Rules) -> Principal:
    subject, client_id = claims["sub"], claims["client_id"]
    scopes, groups = _scopes(claims, rules.scope_prefix), _groups(claims)
    if any(name in claims for name in _HUMAN_CLAIMS):
        # What a person may do follows from groups; the scopes are those of the app they used.
        return Principal(
            subject=subject,
            client_id=client_id,
            scopes=frozenset({"read_models"}),
            is_human=True,
            is_admin=rules.admin_group in groups,
        )
    return Principal(
        subject=subject, client_id=client_id, scopes=scopes, is_admin="admin" in scopes
    )


def _read(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = orjson.loads(payload)
    except ValueError:
        raise TokenRefused("not_json") from None
    if not isinstance(claims, dict):
        raise TokenRefused("not_json")
    return claims


def _check_names(claims: Mapping[str, Any], rules: _Rules) -> None:
    for name in ("iss", "sub", "token_use", "client_id", "jti"):
        value = claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= NAME_LIMIT:
            raise TokenRefused(name)
        # These reach logs, keys and rows.
        if not value.isprintable():
            raise TokenRefused(name)
    if claims["iss"] != rules.issuer:
        raise TokenRefused("iss")
    if claims["token_use"] != rules.token_use:
        raise TokenRefused("token_use")


def _check_times(times: _Times) -> None:
    now, leeway = time.time(), settings.AUTH_LEEWAY_SECONDS
    if times.expires_at + leeway <= now:
        raise TokenRefused("exp")
    if times.issued_at - leeway > now:
        raise TokenRefused("iat")
    if times.not_before - leeway > now:
        raise TokenRefused("nbf")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # A bool is an int in Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(name)
    if not 0 <= value <= LATEST_TIME:
        raise TokenRefused(name)
    return value


def _check_addressee(claims: Mapping[str, Any], rules: _Rules) -> None:
    """Refuse a token that was made for another service: each of the two settings must hold.

    An audience that nobody here has configured is somebody else's.
    """
    audience = rules.audience
    if rules.clients and claims["client_id"] not in rules.clients:
        raise TokenRefused("client_id")
    if not rules.clients and not audience:
        raise TokenRefused("nobody_may_call")
    if audience or "aud" in claims:
        given = claims.get("aud")
        # RFC 7519, 4.1.3: a text stands for a list of one.
        texts = [given] if isinstance(given, str) else _texts(given, "aud")
        if not audience or audience not in texts:
            raise TokenRefused("aud")


def _scopes(claims: Mapping[str, Any], prefix: str) -> frozenset[str]:
    """Return the scopes that are ours, without their prefix (RFC 8693, 4.2: one spaced text)."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise TokenRefused("scope")
    ours = {s.removeprefix(prefix) for s in scope.split(" ") if s.startswith(prefix)}
    return frozenset(ours.intersection(SCOPES))


def _groups(claims: Mapping[str, Any]) -> list[str]:
    return _texts(claims.get("cognito:groups", []), "cognito:groups")


def _texts(value: Any, name: str) -> list[str]:
    """Return `value` if it is a list of texts."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TokenRefused(name)
    return value
