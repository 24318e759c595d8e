"""`GET /v2/health/ready`: each part with its age, in bounded time, whatever is away (F26)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import Celery
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

from models_registry import tasks
from models_registry.observability import heartbeats, readiness
from models_registry.observability.heartbeats import Heartbeat, HeartbeatKind
from models_registry.observability.readiness import PROBES, Finding, Probe
from tests.api_client import Api
from tests.tokens import token

QUEUES = ("dispatch", "sync", "background")
READY = "/v2/health/ready"


@pytest.fixture(autouse=True)
def looks_are_new() -> Iterator[None]:
    """Leave no look to another test, and no thread of one."""
    for probe in PROBES:
        probe.forget()
    yield
    for probe in PROBES:
        probe.states(until=time.monotonic() + 20)
        probe.forget()


@pytest.fixture
def api(transactional_db, document) -> Api:
    """As the common one, but what it writes is seen by other threads."""
    return Api(document)


@pytest.fixture
def all_alive(transactional_db) -> None:
    heartbeats.beat("all@host", HeartbeatKind.WORKER, QUEUES)
    heartbeats.beat_of_sweep()


def _age(name: str, seconds: float) -> None:
    Heartbeat.objects.filter(name=name).update(seen_at=Now() - timedelta(seconds=seconds))


# --- What it says -----------------------------------------------------------------------------
def test_a_service_that_is_well(api, all_alive):
    answer = api.get(READY)

    assert answer.status == 200
    assert answer.body["status"] == "ok"
    assert set(answer.body["checks"]) == {"database", "migrations", "workers", "sweep", "broker"}
    for check in answer.body["checks"].values():
        assert check["state"] == "ok"
        assert check["message"] == ""
        assert 0 <= check["age_seconds"] < 5
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_queue_without_a_worker_is_named_and_degrades_the_service(api, all_alive):
    heartbeats.end("all@host")
    heartbeats.beat("some@host", HeartbeatKind.WORKER, ["dispatch", "background"])
    answer = api.get(READY)

    assert (answer.status, answer.body["status"]) == (200, "degraded")
    assert answer.body["checks"]["workers"]["state"] == "failing"
    assert answer.body["checks"]["workers"]["message"] == "No worker for sync."


def test_a_worker_that_has_gone_silent_counts_as_gone_and_says_since_when(api, all_alive):
    _age("all@host", 45)
    check = api.get(READY).body["checks"]["workers"]

    assert check["state"] == "failing"
    assert 45 <= check["age_seconds"] < 60


def test_a_sweep_that_stopped_is_seen_within_a_minute(api, all_alive, settings):
    settings.SWEEP_INTERVAL_SECONDS = 10.0
    _age("sweep", 61)
    check = api.get(READY).body["checks"]["sweep"]

    assert check["state"] == "failing"
    assert 61 <= check["age_seconds"] < 75


def test_the_sweep_gives_a_sign_of_life(transactional_db):
    assert heartbeats.sweep_age() is None
    tasks.sweep()
    age = heartbeats.sweep_age()

    assert age is not None
    assert age < 5


def test_without_the_database_it_is_not_ready(api, all_alive, monkeypatch):
    def fail() -> None:
        raise OperationalError("server closed the connection: password=hunter22")

    monkeypatch.setattr(readiness, "_unapplied", fail)
    answer = api.get(READY)

    assert answer.status == 503
    assert answer.body["success"] is False
    assert answer.body["code"] == "not_ready"
    assert answer.body["checks"]["database"]["state"] == "failing"
    assert answer.body["checks"]["workers"]["state"] == "unknown"
    assert "hunter22" not in str(answer.body)


def test_while_migrations_are_missing_it_is_not_ready(api, all_alive):
    MigrationRecorder(connection).record_unapplied("models_registry", "0001_initial")
    try:
        answer = api.get(READY)
    finally:
        MigrationRecorder(connection).record_applied("models_registry", "0001_initial")

    assert answer.status == 503
    assert answer.body["checks"]["database"]["state"] == "ok"
    assert answer.body["checks"]["migrations"]["message"].startswith("1 migrations are not applied")


def _app_of(port: int, *, timeout_seconds: int) -> Celery:
    """Return an application whose broker is there; the process's own stays the current one."""
    app = Celery("elsewhere", broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
    app.conf.broker_transport_options = {
        "socket_connect_timeout": 1,
        "socket_timeout": timeout_seconds,
    }
    return app


def test_without_the_broker_it_is_degraded_and_stays_up(api, all_alive, monkeypatch):
    """F26: ready stays up when only Redis is down."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        app = _app_of(nobody.getsockname()[1], timeout_seconds=1)
        monkeypatch.setattr(readiness, "current_app", app)
        answer = api.get(READY)

    assert (answer.status, answer.body["status"]) == (200, "degraded")
    assert answer.body["checks"]["broker"]["state"] == "failing"
    assert answer.body["checks"]["database"]["state"] == "ok"


def test_a_broker_that_accepts_and_never_answers_costs_a_bounded_time(api, all_alive, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = _app_of(silent.getsockname()[1], timeout_seconds=4)
        monkeypatch.setattr(readiness, "current_app", app)
        api.get("/v2/health")  # the first request of a process loads much
        started = time.monotonic()
        answer = api.get(READY)
        seconds = time.monotonic() - started

    assert seconds < readiness.TIMEOUT_SECONDS + 1.5
    assert answer.status == 200
    assert answer.body["checks"]["broker"]["state"] == "unknown"


# --- Who may ask ------------------------------------------------------------------------------
def test_the_token_for_monitoring_reads_it_and_nothing_else(api, all_alive, settings):
    settings.MONITORING_TOKEN = "m" * 32

    assert api.get(READY, token=settings.MONITORING_TOKEN).status == 200
    assert api.get("/v2/models", token=settings.MONITORING_TOKEN).status == 401
    assert api.get("/v2/audit", token=settings.MONITORING_TOKEN).status == 401
    assert api.get(READY, token="m" * 31).status == 401


def test_a_reader_may_ask_and_nobody_else(api, all_alive):
    """Only `GET /v2/health` is public, by the API page."""
    assert api.get(READY, token=token("read_models")).status == 200
    assert api.get(READY, token=token("run_training")).status == 403
    assert api.get(READY, token=None).status == 401
    assert api.get("/v2/health", token=None).body == {"status": "ok"}


# --- Looks ------------------------------------------------------------------------------------
def test_many_who_ask_at_once_make_one_look():
    looks, may_end = [], threading.Event()

    def look() -> dict[str, Finding]:
        looks.append(1)
        may_end.wait(5)
        return {"it": Finding()}

    probe = Probe(look, "it")
    for _ in range(5):
        probe.begin()
    late = probe.states(until=time.monotonic())
    may_end.set()
    states = probe.states(until=time.monotonic() + 5)
    probe.begin()

    assert late["it"]["state"] == "unknown"
    assert states["it"]["state"] == "ok"
    assert len(looks) == 1, "and a look is good for a second"


def test_how_long_a_part_has_been_unwell_is_told():
    findings = [Finding(), Finding("Away.", is_ok=False)]
    probe = Probe(lambda: {"it": findings.pop(0)}, "it")
    probe.begin()
    probe.states(until=time.monotonic() + 5)
    probe.forget()
    probe._well_at["it"] -= 30
    probe.begin()
    state = probe.states(until=time.monotonic() + 5)["it"]

    assert (state["state"], state["message"]) == ("failing", "Away.")
    assert state["age_seconds"] is not None
    assert 30 <= state["age_seconds"] < 35


def test_a_look_that_breaks_is_no_sign_of_health(caplog):
    def look() -> dict[str, Finding]:
        raise RuntimeError

    probe = Probe(look, "it")
    probe.begin()
    state = probe.states(until=time.monotonic() + 5)["it"]

    assert (state["state"], state["age_seconds"]) == ("unknown", None)
    assert "readiness.look_failed" in caplog.text
