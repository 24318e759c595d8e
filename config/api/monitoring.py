"""The one token by which monitoring reads what it needs, and nothing else."""

from __future__ import annotations

import hmac

from django.conf import settings

from models_registry.api.principals import Principal

# Its bearer may read the operations that a view names in `monitored`; a token of the issuer with
# the operation's scope may as well.
MONITORING = Principal(subject="monitoring", scopes=frozenset({"read_models"}))


def is_monitoring(authorization: str) -> bool:
    """Tell whether an Authorization header holds MONITORING_TOKEN; never when that is not set."""
    # Text in a WSGI environment is bytes in Latin-1 (PEP 3333).
    header = authorization.encode("latin-1", "replace")
    right = settings.MONITORING_TOKEN.encode()
    scheme, _, given = header.partition(b" ")
    is_bearer = bool(right) and scheme.lower() == b"bearer"
    return is_bearer and hmac.compare_digest(given.strip(), right)


def is_monitored(view: object) -> bool:
    """Tell whether a view opens the operation at hand to monitoring."""
    return getattr(view, "action", None) in getattr(view, "monitored", ())
