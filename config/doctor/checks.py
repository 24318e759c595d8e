"""Runs all checks of a deployment: settings, database, broker, token keys, Lambda functions."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core import checks
from django.db import connections

from config.api.key_sets import BadKeySet, fetch_document, read_key_set
from config.checks import rights_faults
from config.doctor import Finding, database, ok, problem, warning
from models_registry.handlers import Refusal, handler_for
from models_registry.models import Model, ModelStatus

# Checks of the OpenAPI document, which does not depend on the deployment.
IGNORED_CHECKS = "drf_spectacular."


def check_configuration() -> Iterator[Finding]:
    """Run Django's system checks, in production with the deployment checks."""
    messages = [
        message
        for message in checks.run_checks(include_deployment_checks=not settings.EMBEDDED)
        if not (message.id or "").startswith(IGNORED_CHECKS)
    ]
    for message in messages:
        finding = problem if message.is_serious(checks.ERROR) else warning
        advice = message.hint or "Change the setting; see config/docs/settings.md."
        yield finding("configuration", f"{message.msg} ({message.id})", advice)
    if not settings.EMBEDDED:
        yield from _check_production()
    if not settings.LAMBDA_ACCOUNTS:
        yield problem(
            "configuration",
            "LAMBDA_ACCOUNTS is empty, so every function is refused.",
            "Set it to the AWS account ids whose functions may be invoked.",
        )
    if not messages:
        mode = "embedded" if settings.EMBEDDED else "production"
        yield ok("configuration", f"The settings are consistent ({mode}).")


def _check_production() -> Iterator[Finding]:
    """Check settings that work on one machine but not between several."""
    if not settings.PUBLIC_URL.startswith("https://"):
        yield warning(
            "configuration",
            f"PUBLIC_URL is {settings.PUBLIC_URL}: outputs and tokens are sent unencrypted.",
            "Set it to an https address that the functions reach.",
        )
    if settings.LAMBDA_ENDPOINT_URL:
        yield warning(
            "configuration",
            f"Functions are called at {settings.LAMBDA_ENDPOINT_URL}, not in AWS.",
            "Unset AWS_ENDPOINT_URL_LAMBDA, unless this is a test.",
        )


TIMEOUT_SECONDS = 2.0


def check_broker() -> Iterator[Finding]:
    """Check that Redis, if it is the broker, answers and never evicts messages."""
    url = settings.CELERY_BROKER_URL
    if not url.startswith(("redis://", "rediss://")):
        yield ok("broker", "Messages stay in the process of `manage.py serve`.")
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
            "Check that Redis runs and that REDIS_URL is correct. Jobs are stored meanwhile and"
            " start when Redis is back.",
        )
        return
    yield _eviction(memory.get("maxmemory_policy", "unknown"))


def _eviction(policy: str) -> Finding:
    if policy == "noeviction":
        return ok("broker", "Redis answers and evicts nothing.")
    return warning(
        "broker",
        f"Redis answers, but may evict messages: its maxmemory-policy is {policy}.",
        "Run `redis-cli CONFIG SET maxmemory-policy noeviction`, and set it in redis.conf.",
    )


def check_tokens() -> Iterator[Finding]:
    """Read the token keys from the source in the settings, as the service does."""
    if rights_faults():
        return  # check_configuration reports it
    url, path = settings.AUTH_JWKS_URL, settings.AUTH_JWKS_FILE
    if not url and not path:
        yield ok("tokens", "Tokens are signed with AUTH_SHARED_SECRET.")
        return
    try:
        keys = read_key_set(fetch_document(url) if url else Path(path).read_bytes())
    except (OSError, http.client.HTTPException, BadKeySet) as error:
        yield problem(
            "tokens",
            f"Cannot read keys from {url or path}: {error}",
            "Check that this host reaches the URL."
            if url
            else "Check that AUTH_JWKS_FILE is a key set that this user may read.",
        )
        return
    yield ok("tokens", f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} from {url or path}.")


# How many functions are checked, and how many in parallel.
FUNCTIONS_LIMIT = 100
PARALLEL_DRY_RUNS = 8
HandlerDict = dict[str, Any]


def check_functions() -> Iterator[Finding]:
    """Dry-run each distinct function of the active models; nothing is executed."""
    if settings.EMBEDDED and not settings.LAMBDA_ENDPOINT_URL:
        yield ok("functions", "Functions run in the process of `manage.py serve`.")
        return
    found = list(islice(_distinct_handlers(), FUNCTIONS_LIMIT + 1))
    checked = found[:FUNCTIONS_LIMIT]
    with ThreadPoolExecutor(PARALLEL_DRY_RUNS) as pool:
        refusals = list(pool.map(_dry_run, checked))
    yield from (problem("functions", *refusal) for refusal in refusals if refusal is not None)
    if len(found) > len(checked):
        message = f"There are more than {FUNCTIONS_LIMIT} functions; the others are not checked."
        yield warning("functions", message, "Nothing to do if they are similar.")
    allowed = refusals.count(None)
    message = f"{allowed} of {len(checked)} may be invoked."
    yield ok("functions", message if checked else "No active model has a function.")


def _distinct_handlers() -> Iterator[HandlerDict]:
    """Yield each handler of an active model or its current version, without duplicates."""
    active = Model.objects.filter(status=ModelStatus.ACTIVE).order_by("pk")
    rows = active.values_list("handlers", "current_version__handlers")
    seen = set()
    for handlers in (each for row in rows.iterator() for each in row if each):
        for handler in handlers.values():
            key = frozenset(handler.items())
            if key not in seen:
                seen.add(key)
                yield handler


def _dry_run(handler: HandlerDict) -> Refusal | None:
    return handler_for(handler["type"]).dry_run(handler)


Check = Callable[[], Iterable[Finding]]
# In the order of the output; each may take some seconds, so they run in parallel.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("configuration", check_configuration),
    ("database", database.check_database),
    ("broker", check_broker),
    ("tokens", check_tokens),
    ("functions", check_functions),
)


def run_checks() -> list[Finding]:
    """Run all checks in parallel; an exception in one does not stop the others."""
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        found = pool.map(lambda named: _run(*named), CHECKS)
        return [finding for findings in found for finding in findings]


def _run(subject: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except Exception as error:  # such as a database that is down
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return [problem(subject, f"The check failed: {reason}", "See the other problems.")]
    finally:
        connections.close_all()
