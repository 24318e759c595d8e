"""What real workers show of themselves: their signs of life, and their lines in the log."""

from __future__ import annotations

import json

import pytest

from models_registry.models import Job
from models_registry.observability.heartbeats import Heartbeat
from models_registry.observability.readiness import PROBES, readiness
from tests.faults.processes import Worker, wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PATH = "/v2/models/model_price_reco_v1/versions/1"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# Celery warns, before it logs anything, of a worker that runs as root, as a test may.
LOGS = {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG", "PYTHONWARNINGS": "ignore"}


def _checks() -> dict:
    for probe in PROBES:
        probe.forget()
    return {part: check["state"] for part, check in readiness()[1].items()}


def test_a_request_is_followed_through_a_worker_and_every_line_is_json(
    api, active_model, faulty, tmp_path
):
    """H23: at DEBUG, no payload and no token is in it."""
    faulty.mode = "function_error"
    faulty.function_error = b'{"errorType": "E", "errorMessage": "canary"}'
    with worker(tmp_path, **LOGS) as process:
        named = {"X-Request-ID": "first", "traceparent": PARENT}
        api.post(f"{PATH}/inference", {"input": {"x": "canary"}}, headers=named)
        wait_for(lambda: Job.objects.filter(status="failure").exists())
        wait_for(lambda: "job.called" in process.log.read_text())
    text = process.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    (called,) = [line for line in lines if line["message"].startswith("job.called")]

    assert (called["request_id"], called["outcome"]) == ("first", "failed")
    assert called["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    (event,) = [call["event"] for call in faulty.calls]
    assert event["trace"]["request_id"] == "first"
    assert event["trace"]["traceparent"].split("-")[2] == called["span_id"]
    assert "canary" not in text
    assert "mpjob_" not in text


def test_a_worker_is_seen_while_it_lives_and_missed_when_it_is_killed(db, tmp_path, settings):
    settings.WORKER_HEARTBEAT_SECONDS = 0.5
    beats = {"WORKER_HEARTBEAT_SECONDS": "0.5"}
    started = Worker(tmp_path, **beats)
    try:
        wait_for(lambda: _checks()["workers"] == "ok")
        wait_for(lambda: _checks()["sweep"] == "ok")
        (row,) = Heartbeat.objects.filter(kind="worker")
        assert set(row.queues.split(",")) == {"dispatch", "sync", "background"}
    finally:
        started.kill()
    wait_for(lambda: _checks()["workers"] == "failing")
    assert Heartbeat.objects.filter(pk=row.pk).exists()


def test_a_worker_that_stops_takes_its_row_away(db, tmp_path):
    started = Worker(tmp_path)
    try:
        wait_for(lambda: Heartbeat.objects.filter(kind="worker").exists())
    finally:
        started.stop()
    assert not Heartbeat.objects.filter(kind="worker").exists()
