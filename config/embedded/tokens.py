"""Signs API tokens in the embedded mode, where the service is its own issuer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable

import jwt
from django.conf import settings


class TokensComeFromIssuer(Exception):
    """Only the external issuer can sign tokens."""


def mint_token(*, scopes: Iterable[str], hours: float, subject: str = "manage.py") -> str:
    """Sign a client-credentials token for `scopes` (without prefix), valid for `hours`.

    Raises TokensComeFromIssuer unless tokens are verified with the shared secret.
    """
    if not settings.AUTH_SHARED_SECRET or settings.AUTH_JWKS_URL or settings.AUTH_JWKS_FILE:
        raise TokensComeFromIssuer
    issued_at = int(time.time())
    claims = {
        "iss": settings.AUTH_ISSUER,
        "sub": subject,
        "client_id": next(iter(settings.AUTH_CLIENT_IDS), "modelpact-embedded"),
        "token_use": settings.AUTH_TOKEN_USE,
        "scope": " ".join(settings.AUTH_SCOPE_PREFIX + scope for scope in scopes),
        "iat": issued_at,
        "exp": issued_at + int(hours * 3600),
        "jti": secrets.token_urlsafe(16),
    }
    if settings.AUTH_AUDIENCE:
        claims["aud"] = settings.AUTH_AUDIENCE
    return jwt.encode(claims, settings.AUTH_SHARED_SECRET, algorithm="HS256")
