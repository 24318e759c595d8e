"""What every test may use: a caller held to the document, models, workers, a scripted handler."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from kombu.transport.memory import Channel
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

import config
from config.embedded.lambda_endpoint import LambdaEndpoint
from models_registry.models import Model
from models_registry.observability.actor import SYSTEM, acting
from models_registry.observability.tracing import NOTHING, tracing
from models_registry.queue import wakeups, worker
from models_registry.queue.circuit_breaker import CircuitBreaker, function_breakers
from models_registry.queue.claim import claim_due_job
from tests import factories
from tests.api_client import Api
from tests.chromium import chromium_path
from tests.clock import Clock
from tests.contract.document import Document
from tests.faulty_lambda import FaultyLambda
from tests.scripted import ScriptedHandler
from tests.slow import is_slow
from tests.traces import pytest_runtest_setup, pytest_runtest_teardown

# Hooks are found by their names, here.
__all__ = ["pytest_runtest_setup", "pytest_runtest_teardown"]

SAMPLE_FUNCTIONS = Path(config.__file__).parent / "embedded" / "functions"

ON_POSTGRES = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
ON_REDIS = bool(os.environ.get("REDIS_URL"))
IN_CI = os.environ.get("CI") == "true"

# By marker: whether it can run here, and how it could.
NEEDS: dict[str, tuple[bool, str]] = {
    "postgres": (
        ON_POSTGRES,
        "needs PostgreSQL: run with DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE",
    ),
    "redis": (ON_REDIS, "needs Redis: run with REDIS_URL=redis://HOST:6379/0"),
    # CI installs Chromium: there, its absence is a failure and no reason to skip.
    "browser": (
        IN_CI or chromium_path() is not None,
        "needs Chromium: install the package `chromium`, or name one in CHROMIUM_PATH",
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item):
            item.add_marker("slow")
        for marker, (is_there, reason) in NEEDS.items():
            if not is_there and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Number a test whose parameter is long, instead of naming it by all of that.

    Tokens are such; they differ in each of the processes that share the tests out by name.
    """
    return argname if isinstance(val, str | bytes) and len(val) > 60 else None


@pytest.fixture(scope="session")
def document() -> Document:
    """The project's own OpenAPI document, made once."""
    return Document(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture
def api(db: None, document: Document) -> Api:
    """An admin who calls the API; every answer must be one that the document foresees."""
    return Api(document)


@pytest.fixture
def api_showing_errors(db: None, document: Document) -> Api:
    """As `api`, but a server error is answered as callers would see it."""
    return Api(document, raise_errors=False)


@pytest.fixture
def model(db: None) -> Model:
    """The example model, pending."""
    return factories.make_model()


@pytest.fixture
def active_model(db: None) -> Model:
    """The example model with its version "1" active."""
    return factories.make_active_model()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedHandler:
    """A handler that answers as told, in place of the network; it keeps what it was sent."""
    handler = ScriptedHandler()
    monkeypatch.setattr(worker, "handler_for", handler.instead_of(worker.handler_for))
    return handler


@pytest.fixture
def faulty_lambda(settings: Settings) -> Iterator[FaultyLambda]:
    """Lambda's Invoke API, answering well or badly as it is told."""
    with FaultyLambda() as fake:
        settings.LAMBDA_ENDPOINT_URL = fake.url
        yield fake


@pytest.fixture
def local_lambda(settings: Settings, live_server: LiveServer) -> Iterator[LambdaEndpoint]:
    """The embedded default's endpoint and functions; they call back to this test's own server."""
    settings.PUBLIC_URL = live_server.url
    with LambdaEndpoint(SAMPLE_FUNCTIONS) as endpoint:
        settings.LAMBDA_ENDPOINT_URL = endpoint.url
        yield endpoint


@pytest.fixture
def run_due_jobs(db: None) -> Callable[[], int]:
    """Do what workers would until no job is due; returns how many calls were made.

    A job that is tried again later is not due now. On PostgreSQL the clock stands still inside
    one transaction; a test that waits needs `django_db(transaction=True)`.
    """

    def run() -> int:
        made = 0
        while job := claim_due_job(synchronous=False) or claim_due_job(synchronous=True):
            worker.call_handler(job)
            made += 1
        return made

    return run


@pytest.fixture(autouse=True)
def nobody_acts() -> Iterator[None]:
    """Leave no actor and no trace to the next test, where one is set outside a request."""
    with acting(SYSTEM), tracing(NOTHING):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def wakeups_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no message, and no pause after failures, to the next test.

    Without REDIS_URL wake-ups go to a broker inside this process that nobody reads; with it they
    go to Redis, under a prefix of this process (tests/settings.py).
    """
    fresh = CircuitBreaker(
        failures=wakeups.FAILURES_BEFORE_PAUSE, pause_seconds=wakeups.PAUSE_SECONDS
    )
    monkeypatch.setattr(wakeups, "breaker", fresh)
    yield
    wakeups.publisher.flush(10)
    if not ON_REDIS:
        Channel.queues.clear()


@pytest.fixture(autouse=True)
def every_function_may_be_called(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no function alone in the next test because it failed in this one."""
    monkeypatch.setattr(function_breakers, "_breakers", {})
    yield
    while worker._timers:
        worker._timers.popitem()[1].cancel()


@pytest.fixture(scope="session", autouse=True)
def redis_is_left_clean() -> Iterator[None]:
    yield
    if ON_REDIS:
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            for key in client.scan_iter(match=f"{settings.REDIS_PREFIX}*"):
                client.delete(key)
