"""Whether Redis answers, and keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings

from config.doctor.findings import Finding, problem, warning, well

TIMEOUT_SECONDS = 2.0


def examine() -> Iterator[Finding]:
    """Look at Redis, if that is the broker."""
    url = settings.CELERY_BROKER_URL
    if not url.startswith(("redis://", "rediss://")):
        yield well("broker", "Messages stay inside the process of `manage.py serve`.")
        return
    try:
        with redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        ) as client:
            memory: Any = client.info("memory")
    except redis.RedisError as error:
        yield problem(
            "broker",
            f"Redis can't be reached: {type(error).__name__}.",
            "See that it runs and that REDIS_URL names it. Jobs are kept meanwhile; until it is"
            " back only sweeps could start them, and those come through it too.",
        )
        return
    yield _policy(memory.get("maxmemory_policy", "unknown"))


def _policy(policy: str) -> Finding:
    if policy == "noeviction":
        return well("broker", "Redis answers and evicts nothing.")
    return warning(
        "broker",
        f"Redis answers; its maxmemory-policy is {policy}, so it may drop messages.",
        "Set it: `redis-cli CONFIG SET maxmemory-policy noeviction`, and in its configuration.",
    )
