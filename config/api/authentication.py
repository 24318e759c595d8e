"""Who is calling: bearer tokens, verified as RFC 8725 and our rules on claims ask."""

from __future__ import annotations

import logging
import re
from hashlib import sha256

from jwt import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidTokenError
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.api.claims import TokenRefused, principal_of
from config.api.keys import key_source
from config.api.monitoring import MONITORING, is_monitored, is_monitoring
from config.api.permissions import NEEDS_TOKEN, PUBLIC, declared_scope
from models_registry.api.principals import Principal, for_job
from models_registry.contracts.caches import BoundedCache
from models_registry.handlers.callbacks import PREFIX as CALLBACK_PREFIX
from models_registry.handlers.callbacks import BadCallbackToken, read_callback_token
from models_registry.observability.actor import set_actor

logger = logging.getLogger(__name__)

TOKEN_LIMIT_BYTES = 8 * 1024
_HEADER_LIMIT_BYTES = len("Bearer ") + TOKEN_LIMIT_BYTES
# RFC 6750, 2.1.
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
_jws = PyJWS()
# Payloads of verified tokens with the key that verified them, by the digest of the token: callers
# send the same one for an hour.
_verified: BoundedCache[tuple[PyJWK, bytes]] = BoundedCache(entries=10_000, weight=8 * 1024 * 1024)


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
            if is_monitored(view) and is_monitoring(header):
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


def principal_for(token: str) -> Principal:
    """Return the caller whom `token` proves.

    Raises TokenRefused, KeysUnavailable, and ImproperlyConfigured when no token could be judged.
    """
    if token.startswith(CALLBACK_PREFIX):
        try:
            return for_job(read_callback_token(token))
        except BadCallbackToken:
            raise TokenRefused("callback_token") from None
    return principal_of(_verified_payload(token))


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


def _verified_payload(token: str) -> bytes:
    """Return the payload of a JWT whose signature one of our keys verifies.

    A signature is verified once while the key stays the same object; what the payload claims is
    judged anew each time.
    """
    try:
        key = key_source().key_of(token)
        if key is None:
            raise TokenRefused("unknown_key")
        digest = sha256(token.encode()).digest()
        known = _verified.get(digest)
        if known is not None and known[0] is key:
            return known[1]
        # The algorithm is the key's own; what the token says must be the same.
        payload: bytes = _jws.decode_complete(token, key, algorithms=[key.algorithm_name])[
            "payload"
        ]
    except InvalidTokenError as error:
        raise TokenRefused(type(error).__name__) from None
    _verified.put(digest, (key, payload), weight=len(payload))
    return payload
