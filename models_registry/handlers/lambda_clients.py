"""boto3 clients of Lambda and their credentials; every wait is bounded."""

from __future__ import annotations

import functools
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from django.conf import settings

# For services that boto3 asks for credentials (STS, SSO): its own defaults wait for minutes, and a
# claim must not lapse before its call is made.
CREDENTIALS_CONNECT_SECONDS, CREDENTIALS_READ_SECONDS, CREDENTIALS_TRIES = 2, 5, 2
# boto3 is not thread-safe while it makes a client or looks for credentials.
_lock = threading.Lock()


def client(region: str, invocation_type: str) -> Any:
    """Return the boto3 client for a region, with the time-outs of the invocation type."""
    read_timeout = (
        settings.LAMBDA_SYNC_READ_TIMEOUT_SECONDS
        if invocation_type == "RequestResponse"
        else settings.LAMBDA_EVENT_READ_TIMEOUT_SECONDS
    )
    with _lock:
        return make_client(region, settings.LAMBDA_ENDPOINT_URL, read_timeout)


def fetch_credentials() -> None:
    """Fetch the credentials for a call, which boto3 would otherwise fetch within the call.

    There an error on the way to STS could not be distinguished from one on the way to Lambda.
    Raises whatever boto3 or one of its sources raises.
    """
    if _is_local():
        return
    with _lock:
        credentials = session().get_credentials()
    if credentials is not None:  # else the call itself fails for it
        credentials.get_frozen_credentials()


@functools.lru_cache(maxsize=64)
def make_client(region: str, endpoint_url: str | None, read_timeout: int) -> Any:
    """Return a client, made once; the caller holds the lock."""
    # The local endpoint checks no signature, but boto3 won't send a request without one.
    local = _is_local()
    keys: Any = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if local else {}
    config = Config(
        connect_timeout=settings.LAMBDA_CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout,
        # boto3 must not retry: the job's row decides whether and when to call again.
        retries={"total_max_attempts": 1},
        max_pool_connections=50,
        # None means the proxies of the environment; none of them leads to this machine.
        proxies={} if local else None,
    )
    return session().client(
        "lambda", region_name=region, endpoint_url=endpoint_url, config=config, **keys
    )


@functools.lru_cache(maxsize=1)
def session() -> boto3.session.Session:
    """Return this process's session; clients that it makes by itself are bounded as well."""
    core = botocore.session.get_session()
    core.set_default_client_config(
        Config(
            connect_timeout=CREDENTIALS_CONNECT_SECONDS,
            read_timeout=CREDENTIALS_READ_SECONDS,
            retries={"total_max_attempts": CREDENTIALS_TRIES},
        )
    )
    return boto3.session.Session(botocore_session=core)


def _is_local() -> bool:
    return bool(settings.EMBEDDED and settings.LAMBDA_ENDPOINT_URL is not None)
