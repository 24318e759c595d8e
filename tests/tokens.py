"""Tokens as the issuer of the test settings (the embedded default) would sign them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

import jwt
from django.conf import settings

ABSENT: Any = object()


def claims(
    scope: str = "admin", *, human: bool = False, groups: Sequence[str] = (), **changed: Any
) -> dict[str, Any]:
    """Make the claims of a good access token; `changed` replaces some, ABSENT leaves one out.

    `scope` holds scopes without their prefix. `human` makes it the token of a person.
    """
    now = int(time.time())
    made: dict[str, Any] = {
        "iss": settings.AUTH_ISSUER,
        "sub": "tester",
        "client_id": next(iter(settings.AUTH_CLIENT_IDS), "tests"),
        "token_use": settings.AUTH_TOKEN_USE,
        "scope": " ".join(settings.AUTH_SCOPE_PREFIX + name for name in scope.split()),
        "iat": now,
        "exp": now + 3600,
        "jti": secrets.token_urlsafe(16),
    }
    if human:
        made["username"] = "tester"
    if groups:
        made["cognito:groups"] = list(groups)
    made.update(changed)
    return {name: value for name, value in made.items() if value is not ABSENT}


def token(
    scope: str = "admin", *, human: bool = False, groups: Sequence[str] = (), **changed: Any
) -> str:
    """Sign such claims with the test settings' shared secret."""
    return jwt.encode(
        claims(scope, human=human, groups=groups, **changed),
        settings.AUTH_SHARED_SECRET,
        algorithm="HS256",
    )


def token_of(changed: dict[str, Any]) -> str:
    """Sign good claims of which some are replaced as they stand, however absurd."""
    made = {name: value for name, value in (claims() | changed).items() if value is not ABSENT}
    return jwt.api_jws.encode(json.dumps(made).encode(), settings.AUTH_SHARED_SECRET, "HS256")
