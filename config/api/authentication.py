"""Who is calling: bearer tokens, verified as RFC 8725 and our rules on claims ask."""

from __future__ import annotations

import hmac
import logging
import re
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import jwt
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from jwt import PyJWK
from jwt.exceptions import InvalidTokenError
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.api.keys import key_source
from config.api.permissions import NEEDS_TOKEN, PUBLIC, declared_scope
from models_registry.api.principals import SCOPES, Principal, for_job
from models_registry.contracts.caches import BoundedCache
from models_registry.handlers.callbacks import PREFIX as CALLBACK_PREFIX
from models_registry.handlers.callbacks import BadCallbackToken, read_callback_token
from models_registry.observability.actor import set_actor

logger = logging.getLogger(__name__)

TOKEN_LIMIT_BYTES = 8 * 1024
_HEADER_LIMIT_BYTES = len("Bearer ") + TOKEN_LIMIT_BYTES
# RFC 6750, 2.1.
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
# The bearer of MONITORING_TOKEN. It may read the operations that a view names in `monitored`; a
# token of the issuer with the operation's scope may as well.
MONITORING = Principal(subject="monitoring", scopes=frozenset({"read_models"}))

_TEXT_CLAIMS = ("iss", "sub", "token_use", "client_id", "jti")
_TIME_CLAIMS = ("exp", "iat", "nbf")
_REQUIRED_CLAIMS = [*_TEXT_CLAIMS, "exp", "iat"]
# Cognito writes these into a token only when a person has signed in.
_HUMAN_CLAIMS = ("username", "cognito:username", "cognito:groups")
# OpenID Connect, 2: `sub` has at most 255 characters.
NAME_LIMIT = 255
# The end of the year 9999; later times overflow dates, and nobody means them.
LATEST_TIME = 253_402_300_799


class TokenRefused(Exception):
    """A token is not accepted; `reason` is a fixed word for the log, never text of the token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class BearerAuthentication(BaseAuthentication):
    """Takes `Authorization: Bearer <token>`: a JWT of the issuer, or a job's callback token.

    Cookies are not looked at, so a browser can't be tricked into calling. A refusal has one
    message for every reason; the reason is in the log, the token is in neither.
    """

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        view = request.parser_context.get("view")
        if declared_scope(view) == PUBLIC:
            # Not even looked at: health must answer while the issuer's keys can't be had.
            return None
        header = _authorization(request)
        if not header:
            return None
        try:
            is_monitored = getattr(view, "action", None) in getattr(view, "monitored", ())
            if is_monitored and is_monitoring(header):
                principal = MONITORING
            else:
                principal = principal_for(_token(header))
        except TokenRefused as refusal:
            logger.info("Token refused: %s", refusal.reason)
            raise AuthenticationFailed(NEEDS_TOKEN) from None
        set_actor(principal.actor)
        return principal, None

    def authenticate_header(self, request: Request) -> str:
        # RFC 6750, 3.1: no error code where no credentials were sent.
        return 'Bearer error="invalid_token"' if _authorization(request) else "Bearer"


def _authorization(request: Request) -> str:
    """Return the header, a character for each byte (PEP 3333); "" where there is none."""
    return str(request.META.get("HTTP_AUTHORIZATION", ""))


def _token(header: str) -> str:
    if len(header) > _HEADER_LIMIT_BYTES:
        raise TokenRefused("too_long")
    match = _BEARER.fullmatch(header)
    if match is None:
        raise TokenRefused("not_a_bearer_token")
    return match[1]


def is_monitoring(authorization: str) -> bool:
    """Tell whether an Authorization header holds MONITORING_TOKEN; never when that is not set."""
    # Text in a WSGI environment is bytes in Latin-1 (PEP 3333).
    header = authorization.encode("latin-1", "replace")
    right = settings.MONITORING_TOKEN.encode()
    scheme, _, given = header.partition(b" ")
    is_bearer = bool(right) and scheme.lower() == b"bearer"
    return is_bearer and hmac.compare_digest(given.strip(), right)


# --- Tokens -----------------------------------------------------------------------------------
class _Verified(NamedTuple):
    """What a JWT has proved, until it expires or the key is replaced."""

    principal: Principal
    key: PyJWK
    expires_at: float

    def still_holds(self) -> bool:
        is_current = key_source().find(self.key.key_id) is self.key
        return is_current and time.time() < self.expires_at


# By the digest of the token: callers send the same one for an hour.
_verified: BoundedCache[_Verified] = BoundedCache(entries=10_000, weight=10_000)


@receiver(setting_changed)
def _forget_verified(**_: Any) -> None:
    """Judge tokens anew: only tests change settings while a process runs."""
    _verified.clear()


def principal_for(token: str) -> Principal:
    """Return the caller whom `token` proves.

    Raises TokenRefused, KeysUnavailable, and ImproperlyConfigured when no token could be judged.
    """
    if token.startswith(CALLBACK_PREFIX):
        try:
            return for_job(read_callback_token(token))
        except BadCallbackToken:
            raise TokenRefused("callback_token") from None
    digest = sha256(token.encode()).digest()
    known = _verified.get(digest)
    if known and known.still_holds():
        return known.principal
    verified = _verify(token)
    _verified.put(digest, verified, weight=1)
    return verified.principal


def _verify(token: str) -> _Verified:
    """Check a JWT's signature and claims."""
    try:
        key = key_source().find(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise TokenRefused("unknown_key")
        claims = jwt.decode(
            token,
            key,
            # The key's own; what the token says must be the same.
            algorithms=[key.algorithm_name],
            issuer=settings.AUTH_ISSUER,
            audience=settings.AUTH_AUDIENCE or None,
            leeway=settings.AUTH_LEEWAY_SECONDS,
            options={"require": _REQUIRED_CLAIMS},
        )
    except InvalidTokenError as error:
        raise TokenRefused(type(error).__name__) from None
    _check_types(claims)
    _check_use(claims)
    return _Verified(_principal(claims), key, claims["exp"] + settings.AUTH_LEEWAY_SECONDS)


def _check_types(claims: Mapping[str, Any]) -> None:
    """Refuse what PyJWT lets pass: times in texts, or beyond all dates, and any text for a name."""
    for name in _TEXT_CLAIMS:
        value = claims[name]
        if not isinstance(value, str) or not 0 < len(value) <= NAME_LIMIT:
            raise TokenRefused(name)
        # These reach logs, keys and rows.
        if not value.isprintable():
            raise TokenRefused(name)
    for name in _TIME_CLAIMS:
        value = claims.get(name, 0)
        # A bool is an int in Python.
        if type(value) not in (int, float) or not 0 <= value <= LATEST_TIME:
            raise TokenRefused(name)


def _check_use(claims: Mapping[str, Any]) -> None:
    """Refuse a token that was made for another use, or for another service."""
    if claims["token_use"] != settings.AUTH_TOKEN_USE:
        raise TokenRefused("token_use")
    clients, audience = settings.AUTH_CLIENT_IDS, settings.AUTH_AUDIENCE
    # One of the two must be set, and each that is set must hold.
    if (clients or not audience) and claims["client_id"] not in clients:
        raise TokenRefused("client_id")
    # An audience that nobody here has configured is somebody else's; PyJWT lets an empty one pass.
    if "aud" in claims and not audience:
        raise TokenRefused("aud")


def _principal(claims: Mapping[str, Any]) -> Principal:
    """Return whom the claims name.

    Each has exactly the type it should: `"admin" in "admin"` is true for a text as for a list.
    """
    subject, client_id, scopes = claims["sub"], claims["client_id"], _scopes(claims)
    groups = claims.get("cognito:groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise TokenRefused("cognito:groups")
    if any(name in claims for name in _HUMAN_CLAIMS):
        # What a person may do follows from groups; the scopes are those of the app they used.
        return Principal(
            subject=subject,
            client_id=client_id,
            scopes=frozenset({"read_models"}),
            is_human=True,
            is_admin=settings.AUTH_ADMIN_GROUP in groups,
        )
    return Principal(
        subject=subject, client_id=client_id, scopes=scopes, is_admin="admin" in scopes
    )


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes that are ours, without their prefix (RFC 8693, 4.2: one spaced text)."""
    scope, prefix = claims.get("scope", ""), settings.AUTH_SCOPE_PREFIX
    if not isinstance(scope, str):
        raise TokenRefused("scope")
    ours = {name.removeprefix(prefix) for name in scope.split(" ") if name.startswith(prefix)}
    return frozenset(ours.intersection(SCOPES))
