"""How many requests a caller may send, counted over all processes; for fairness, not safety."""

from __future__ import annotations

import logging
import math
from functools import lru_cache
from typing import Any

from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from throttled import BaseStore, MemoryStore, RateLimiterType, RedisStore, Throttled, per_min

from config.api.permissions import declared_scope
from models_registry.api.principals import Principal
from models_registry.errors import DomainError
from models_registry.queue.circuit_breaker import CircuitBreaker

logger = logging.getLogger(__name__)

# A request must not wait for a Redis that does not answer: it passes uncounted, and so do all
# others while the circuit breaker is open.
REDIS_TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 10.0
# How many callers are told apart where there is no Redis.
CALLERS_IN_MEMORY = 10_000

breaker = CircuitBreaker(failures=1, pause_seconds=PAUSE_SECONDS)


class RateLimited(DomainError):
    code = "rate_limited"
    status = 429

    def __init__(self, per_minute: int, wait_seconds: float) -> None:
        super().__init__(f"More than {per_minute} such requests a minute; wait a little.")
        self.retry_after_seconds = max(1, math.ceil(wait_seconds))


class CallerThrottle(BaseThrottle):
    """Counts what a caller asks for: everything, and apart from it what is costly.

    A caller is a client and a subject of the issuer's, from whatever addresses. Handlers that
    report the end of a job are never refused: their work was let in before.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        caller: Any = request.user
        if not isinstance(caller, Principal) or declared_scope(view) == "complete_jobs":
            return True
        if view.action in view.costly:
            _count("costly", settings.RATE_LIMIT_COSTLY_PER_MINUTE, caller)
        _count("all", settings.RATE_LIMIT_PER_MINUTE, caller)
        return True


def _count(kind: str, per_minute: int, caller: Principal) -> None:
    """Count a request of `caller`; raises RateLimited when it is one too many."""
    if not per_minute or not breaker.allow():
        return
    key = f"{kind}:{caller.caller}"
    try:
        limiter = _limiter(per_minute, settings.CELERY_BROKER_URL, _key_prefix())
        result = limiter.limit(key)
    except Exception as error:  # whatever Redis' client raises
        breaker.record(success=False)
        logger.warning("rate_limit.not_counted: %s", type(error).__name__)
        return
    breaker.record(success=True)
    if result.limited:
        raise RateLimited(per_minute, result.state.retry_after)


@lru_cache(maxsize=4)
def _limiter(per_minute: int, broker_url: str, key_prefix: str) -> Throttled:
    """Return the counter for a limit: so many at once, and as many again over each minute."""
    return Throttled(
        using=RateLimiterType.GCRA.value,
        quota=per_min(per_minute),
        store=_store(broker_url),
        key_prefix=f"{key_prefix}modelpact:rate",
    )


def _store(broker_url: str) -> BaseStore:
    if not broker_url.startswith(("redis://", "rediss://")):
        return MemoryStore(options={"MAX_SIZE": CALLERS_IN_MEMORY})
    connection = {
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    return RedisStore(server=broker_url, options={"CONNECTION_POOL_KWARGS": connection})


def _key_prefix() -> str:
    return str(settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", ""))
