"""Whether there are keys to verify tokens with."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from config.api.key_sets import BadKeySet, fetch_document, read_key_set
from config.checks import rights_faults
from config.doctor.findings import Finding, problem, well


def examine() -> Iterator[Finding]:
    """Read the keys from where the settings say, as the service does."""
    if rights_faults():
        return  # the configuration's findings say so
    url, path = settings.AUTH_JWKS_URL, settings.AUTH_JWKS_FILE
    if not url and not path:
        yield well("tokens", "They are signed with AUTH_SHARED_SECRET.")
        return
    try:
        keys = read_key_set(fetch_document(url) if url else Path(path).read_bytes())
    except (OSError, http.client.HTTPException, BadKeySet) as error:
        yield problem(
            "tokens",
            f"No keys from {url or path}: {error}",
            "See that the address answers from this host."
            if url
            else "See that AUTH_JWKS_FILE names a key set that this user may read.",
        )
        return
    yield well("tokens", f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} from {url or path}.")
