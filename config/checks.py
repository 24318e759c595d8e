"""Django system checks of the settings for authentication and monitoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from models_registry.db import rows
from models_registry.handlers import HANDLERS
from models_registry.states import Action

SHARED_SECRET_MIN_BYTES = 32
KEY_SOURCES = "AUTH_JWKS_URL, AUTH_JWKS_FILE or AUTH_SHARED_SECRET"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@register(Tags.security)
def check_rights(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report auth settings that would reject every token, or accept any."""
    return [Error(fault, id="modelpact.E001") for fault in rights_faults()]


@register(Tags.security, deploy=True)
def check_jwks_is_fetched_safely(
    *, app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn about signing keys that are fetched over plain http."""
    address = settings.AUTH_JWKS_URL
    if not _is_http(address):
        return []
    url = urlsplit(address)
    if url.scheme == "https" or url.hostname in _LOOPBACK:
        return []
    return [
        Warning("AUTH_JWKS_URL should be https: whoever can change the answer can sign tokens.",
                id="modelpact.W001")
    ]  # fmt: skip


@register(Tags.security)
def check_monitoring_token(
    *, app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report a monitoring token that is too short."""
    if 0 < len(settings.MONITORING_TOKEN.encode()) < SHARED_SECRET_MIN_BYTES:
        fault = f"MONITORING_TOKEN must have at least {SHARED_SECRET_MIN_BYTES} bytes."
        return [Error(fault, id="modelpact.E002")]
    return []


@register(Tags.models)
def check_rows(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report models whose rows the services can't write as `save()` does."""
    return [
        Error(f"Rows of {model._meta.label} can't be written: {fault}.", id="modelpact.E003")
        for label in ("models_registry", "subscriptions")
        for model in apps.get_app_config(label).get_models()
        for fault in rows.faults_of(model)
    ]


@register()
def check_handler_calls(
    *, app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report handler types whose calls could outlast the task that makes them."""
    limit = settings.HANDLER_CALL_LIMIT_SECONDS
    faults = [
        f"A {job_type} call of handler type '{kind}' takes up to"
        f" {handler.longest_call_seconds(job_type)} seconds: HANDLER_CALL_LIMIT_SECONDS is {limit}."
        for kind, handler in HANDLERS.items()
        for job_type in Action.values
        if handler.longest_call_seconds(job_type) > limit
    ]
    return [Error(fault, id="modelpact.E004") for fault in faults]


def rights_faults() -> list[str]:
    """Return the errors of the auth settings; each sentence names the variables."""
    faults = []
    chosen = [
        name
        for name in ("AUTH_JWKS_URL", "AUTH_JWKS_FILE", "AUTH_SHARED_SECRET")
        if getattr(settings, name)
    ]
    if not chosen:
        faults.append(f"Set one of {KEY_SOURCES}: nothing can verify a token.")
    if len(chosen) > 1:
        faults.append(f"Set only one of {KEY_SOURCES}, not {' and '.join(chosen)}.")
    secret_bytes = len(settings.AUTH_SHARED_SECRET.encode())
    if 0 < secret_bytes < SHARED_SECRET_MIN_BYTES:
        faults.append(f"AUTH_SHARED_SECRET must have at least {SHARED_SECRET_MIN_BYTES} bytes.")
    if settings.AUTH_JWKS_URL and not _is_http(settings.AUTH_JWKS_URL):
        faults.append("AUTH_JWKS_URL must be an http or https address.")
    if not (settings.AUTH_CLIENT_IDS or settings.AUTH_AUDIENCE):
        faults.append(
            "Set AUTH_CLIENT_IDS or AUTH_AUDIENCE: otherwise the token of any client is valid."
        )
    return faults


def _is_http(address: str) -> bool:
    try:
        url = urlsplit(address)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.hostname)
