"""Readiness: the state of each part of the service, probed in bounded time once a second."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from models_registry.db import sql
from models_registry.json_types import Keywords
from models_registry.observability import heartbeats

logger = logging.getLogger(__name__)

# How long a probe's result is used, and how long a request waits for one; in seconds.
FRESH_SECONDS, TIMEOUT_SECONDS = 1.0, 2.0
# How many heartbeats may be missed before a worker counts as gone.
MISSED = 3
# Without these parts the API can't answer. Without the others jobs are accepted and wait.
NEEDED = ("database", "migrations")
# Added to the interval of sweeps: a sweep waits for a worker, and a worker for its start.
SWEEP_GRACE_SECONDS = 30.0


Condition = Literal["ok", "failing", "unknown"]


class State(TypedDict):
    """How a part is, and how long ago it was last seen to be well; null if never by this process.

    "unknown": it did not answer in time.
    """

    state: Condition
    age_seconds: Annotated[float, Keywords(minimum=0)] | None
    message: Annotated[str, "What is wrong; empty when nothing is."]


class Finding(NamedTuple):
    """What one probe found of a part; `age_seconds` where the part itself has it."""

    message: str = ""
    age_seconds: float | None = None
    is_ok: bool = True


class Probe:
    """Probes some parts in a thread, once at a time."""

    def __init__(self, look: Callable[[], Mapping[str, Finding]], *parts: str) -> None:
        self._look, self._parts = look, parts
        self._lock = threading.Lock()
        self._under_way: threading.Event | None = None
        self._findings: Mapping[str, Finding] = {}
        self._looked_at = float("-inf")
        self._well_at: dict[str, float] = {}

    def begin(self) -> None:
        """Start a probe, unless one is running or the last result is fresh."""
        with self._lock:
            is_fresh = time.monotonic() - self._looked_at < FRESH_SECONDS
            if self._under_way is None and not is_fresh:
                self._under_way = threading.Event()
                threading.Thread(target=self._run, name="readiness", daemon=True).start()

    def states(self, *, until: float) -> dict[str, State]:
        """Return the states of the parts, waiting for a running probe until a monotonic time."""
        with self._lock:
            under_way = self._under_way
        if under_way is not None and not under_way.wait(max(0.0, until - time.monotonic())):
            late = "No answer in time."
            return {part: self._state(part, "unknown", late) for part in self._parts}
        return {part: self._found(part) for part in self._parts}

    def forget(self) -> None:
        """Drop the last result, so that the next call probes again."""
        self._looked_at = float("-inf")

    def _run(self) -> None:
        findings: Mapping[str, Finding] = {}
        try:
            findings = self._look()
        except Exception:  # waiting requests must get an answer
            logger.exception("readiness.look_failed")
        now = time.monotonic()
        with self._lock:
            self._findings, self._looked_at = findings, now
            self._well_at |= {part: now for part, found in findings.items() if found.is_ok}
            done, self._under_way = self._under_way, None
        if done is not None:
            done.set()

    def _found(self, part: str) -> State:
        found = self._findings.get(part)
        if found is None:
            return self._state(part, "unknown", "It could not be looked at.")
        state = self._state(part, "ok" if found.is_ok else "failing", found.message)
        if found.age_seconds is not None:
            state["age_seconds"] = round(max(0.0, found.age_seconds), 1)
        return state

    def _state(self, part: str, state: Condition, message: str) -> State:
        well_at = self._well_at.get(part)
        age = None if well_at is None else round(time.monotonic() - well_at, 1)
        return {"state": state, "age_seconds": age, "message": message}


def look_at_database() -> dict[str, Finding]:
    """Probe the database, and read from it the state of migrations, workers and the sweep."""
    try:
        sql.read("SELECT 1")
        missing = _unapplied()
        if missing:
            message = f"{len(missing)} migrations are not applied: run `manage.py migrate`."
            return {"database": Finding(), "migrations": Finding(message, is_ok=False)}
        return {
            "database": Finding(),
            "migrations": Finding(),
            "workers": _workers(),
            "sweep": _sweep(),
        }
    except DatabaseError as error:
        logger.warning("readiness.database %s", type(error).__name__)
        return {"database": Finding("The database can't be asked.", is_ok=False)}
    finally:
        connections.close_all()  # they are this thread's own


def look_at_broker() -> dict[str, Finding]:
    """Probe the broker."""
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0)
            channel: Any = broker.channel()  # connects to Redis
            channel.close()
    except Exception as error:  # whatever the broker's client raises
        logger.warning("readiness.broker %s", type(error).__name__)
        message = "The broker can't be reached; jobs are found by the sweep meanwhile."
        return {"broker": Finding(message, is_ok=False)}
    return {"broker": Finding()}


PROBES = (
    Probe(look_at_database, "database", "migrations", "workers", "sweep"),
    Probe(look_at_broker, "broker"),
)


def readiness() -> tuple[str, dict[str, State]]:
    """Return "ok", "degraded" or "unavailable", and each part's state, within two seconds."""
    until = time.monotonic() + TIMEOUT_SECONDS
    for probe in PROBES:
        probe.begin()
    states: dict[str, State] = {}
    for probe in PROBES:
        states |= probe.states(until=until)
    failing = [part for part, state in states.items() if state["state"] != "ok"]
    if any(part in failing for part in NEEDED):
        return "unavailable", states
    return ("degraded" if failing else "ok"), states


def _workers() -> Finding:
    """Each queue needs a worker; the age is that of the queue whose worker was seen longest ago."""
    ages, patience = heartbeats.queue_ages(), MISSED * settings.WORKER_HEARTBEAT_SECONDS
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    without = sorted(queue for queue in queues if ages.get(queue, patience + 1) > patience)
    known = [ages[queue] for queue in queues if queue in ages]
    age = max(known) if known else None
    if without:
        return Finding(f"No worker for {', '.join(without)}.", age, is_ok=False)
    return Finding("", age)


def _sweep() -> Finding:
    age = heartbeats.sweep_age()
    patience = MISSED * settings.SWEEP_INTERVAL_SECONDS + SWEEP_GRACE_SECONDS
    if age is None or age > patience:
        return Finding("No sweep was made lately: is beat running?", age, is_ok=False)
    return Finding("", age)


def _unapplied() -> frozenset[tuple[str, str]]:
    return _on_disk() - set(MigrationRecorder(connection).applied_migrations())


@functools.cache
def _on_disk() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None)
    found = loader.disk_migrations.items()
    # One that replaces others counts as applied once they are.
    return frozenset(key for key, migration in found if not migration.replaces)
