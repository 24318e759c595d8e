"""What every test may use: a caller held to the document, models, workers, a scripted handler."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db.models.functions import Now
from drf_spectacular.generators import SchemaGenerator
from kombu.transport.memory import Channel

from models_registry import hints
from models_registry.models import Dispatch, Job, Model
from models_registry.services import dispatch
from tests import factories
from tests.api_client import Api
from tests.chromium import chromium_path
from tests.contract.document import Document
from tests.scripted import ScriptedHandler

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
        for marker, (is_there, reason) in NEEDS.items():
            if not is_there and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def document() -> Document:
    """The project's own OpenAPI document, made once."""
    made = Document(SchemaGenerator().get_schema(request=None, public=True))
    # INTERIM, to go when the operations are described: nothing can be held against it yet.
    if "updateModel" not in made.operation_ids():
        made.check = lambda exchange: None  # type: ignore[method-assign]
    return made


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
    monkeypatch.setattr(dispatch, "handler_for", handler.instead_of(dispatch.handler_for))
    return handler


@pytest.fixture
def run_due_jobs(db: None) -> Callable[[], int]:
    """Do what workers would until no job is due; returns how many calls were made.

    A job that is tried again later is not due now. On PostgreSQL the clock stands still inside
    one transaction; a test that waits needs `django_db(transaction=True)`.
    """

    def run() -> int:
        made = 0
        while job_ids := list(_due_jobs().values_list("pk", flat=True)):
            made += sum(dispatch.dispatch_job(job_id) for job_id in job_ids)
        return made

    return run


def _due_jobs() -> Any:
    due = Job.objects.filter(dispatch=Dispatch.QUEUED, due_at__lte=Now())
    return due.order_by("due_at", "pk")


@pytest.fixture(autouse=True)
def hints_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no message, and no pause after failures, to the next test.

    Without REDIS_URL hints go to a broker inside this process that nobody reads; with it they
    go to Redis, under a prefix of this process (tests/settings.py).
    """
    monkeypatch.setattr(hints, "breaker", hints._Breaker())
    yield
    if not ON_REDIS:
        Channel.queues.clear()


@pytest.fixture(scope="session", autouse=True)
def redis_is_left_clean() -> Iterator[None]:
    yield
    if ON_REDIS:
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            for key in client.scan_iter(match=f"{settings.REDIS_PREFIX}*"):
                client.delete(key)
