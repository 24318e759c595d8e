"""Signs of life of workers: begun, renewed and cleared away (F26)."""

from __future__ import annotations

import threading
from datetime import timedelta

from django.db import OperationalError, connection
from django.db.models.functions import Now

from config.heartbeat import Heart, _leave_the_pool, begin, cease
from models_registry.observability import heartbeats
from models_registry.observability.heartbeats import Heartbeat, HeartbeatKind
from tests.waiting import eventually


def _age(name: str, seconds: float) -> None:
    Heartbeat.objects.filter(name=name).update(seen_at=Now() - timedelta(seconds=seconds))


def test_a_heart_beats_until_it_is_stopped_and_leaves_no_row(transactional_db, settings):
    settings.WORKER_HEARTBEAT_SECONDS = 0.05
    heart = Heart("one@host", ["sync"])
    heart.start()
    eventually(lambda: Heartbeat.objects.filter(name="one@host", queues="sync").exists())
    first = Heartbeat.objects.get(name="one@host").seen_at
    eventually(lambda: Heartbeat.objects.get(name="one@host").seen_at > first)
    heart.stop()

    assert not Heartbeat.objects.exists()


def test_a_heart_goes_on_when_the_database_comes_back(transactional_db, settings, monkeypatch):
    settings.WORKER_HEARTBEAT_SECONDS = 0.05
    failures = []
    real = heartbeats.beat

    def fail_once(*args: object) -> None:
        if not failures:
            failures.append(1)
            raise OperationalError
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(heartbeats, "beat", fail_once)
    heart = Heart("one@host", ["sync"])
    heart.start()
    eventually(lambda: Heartbeat.objects.exists())
    heart.stop()

    assert failures == [1]


def test_a_worker_begins_to_beat_when_it_is_ready_and_ceases_when_it_stops(transactional_db):
    class Queue:
        name = "sync"

    class Sender:
        hostname = "sync@host"

        class task_consumer:  # noqa: N801 (Celery's name)
            queues = [Queue()]

    begin(sender=Sender())
    eventually(lambda: Heartbeat.objects.filter(name="sync@host", queues="sync").exists())
    cease()

    assert not Heartbeat.objects.exists()


def test_a_heart_keeps_out_of_the_pool_of_its_process(transactional_db, settings):
    from django.db import connections

    seen = {}

    def look() -> None:
        _leave_the_pool()
        seen["options"] = connections["default"].settings_dict["OPTIONS"]
        connections["default"].ensure_connection()
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert "pool" not in seen["options"]
    if connection.vendor == "postgresql":
        assert "pool" in connections["default"].settings_dict["OPTIONS"]


def test_rows_of_workers_that_ended_without_a_word_are_cleared_away(db):
    heartbeats.beat("dead@host", HeartbeatKind.WORKER, ["sync"])
    _age("dead@host", 3601)
    heartbeats.beat("alive@host", HeartbeatKind.WORKER, ["sync"])

    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["alive@host"]


def test_a_dead_worker_hides_no_living_one(db):
    heartbeats.beat("dead@host", HeartbeatKind.WORKER, ["sync"])
    heartbeats.beat("alive@host", HeartbeatKind.WORKER, ["sync", "dispatch"])
    _age("dead@host", 600)
    ages = heartbeats.queue_ages()

    assert set(ages) == {"sync", "dispatch"}
    assert max(ages.values()) < 5
