"""Whatever lies in a queue, workers go on: it is taken, logged, counted and dropped."""

from __future__ import annotations

import base64
import json
import os

import pytest
import redis
from django.conf import settings

from models_registry.models import Job
from models_registry.services.jobs import request_training
from tests.faults.processes import wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]


def _envelope(body: str = "W1tdLCB7fSwge31d", **changes: object) -> dict[str, object]:
    """Return a message to the task that dispatches, as kombu writes it."""
    properties = {
        "delivery_tag": "a-tag",
        "delivery_info": {"exchange": "", "routing_key": "dispatch"},
        "body_encoding": "base64",
        "priority": 0,
    }
    headers = {"task": "models_registry.tasks.dispatch_events", "id": "an-id", "lang": "py"}
    return {
        "body": body,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": headers,
        "properties": properties,
        **changes,
    }


UNREADABLE: dict[str, str | bytes] = {
    "no_json": "not json",
    "no_utf8": b"\xff\xfe",
    "null": "null",
    "a_list": "[1]",
    "another_object": '{"a": 1}',
    "no_properties": json.dumps(_envelope(properties=None)),
    "no_base64": json.dumps(_envelope("!!!!")),
    "body_of_another_kind": json.dumps(_envelope(7)),  # type: ignore[arg-type]
    "body_is_no_json": json.dumps(_envelope(base64.b64encode(b"{").decode())),
    "body_is_no_call": json.dumps(_envelope(base64.b64encode(b"{}").decode())),
    "pickle": json.dumps(_envelope(**{"content-type": "application/x-python-serialize"})),
    "headers_of_another_kind": json.dumps(_envelope(headers=["task"])),
    "unknown_task": json.dumps(_envelope(headers={"task": "no.such.task", "id": "an-id"})),
}


def test_a_worker_goes_on_after_messages_that_it_cannot_read(model, faulty, tmp_path):
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client, worker(tmp_path) as running:
        queue = f"{settings.REDIS_PREFIX}dispatch"
        for message in UNREADABLE.values():
            client.lpush(queue, message)
        wait_for(lambda: client.llen(queue) == 0)
        job = request_training(model_id=model.pk, version="1", input={})
        wait_for(lambda: Job.objects.get(pk=job.pk).dispatch == "dispatched")
        assert running.process.poll() is None

    # Celery itself logs and drops the task that nobody knows.
    log = running.log.read_text(encoding="utf-8")
    assert log.count("message.dropped") == len(UNREADABLE) - 1
    assert log.count("Traceback") == log.count("KeyError: 'no.such.task'") == 1
