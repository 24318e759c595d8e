"""Messages of beat do not wait behind a backlog of wake-ups: sweeps end jobs at their deadlines."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.conf import settings

from config.celery import app
from models_registry.queue import wakeups
from models_registry.tasks import sweep

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    """Have nothing in it that a worker's beat left, which was killed in another test."""
    with app.connection_for_write() as broker, broker.channel() as channel:
        channel.queue_purge("dispatch")


def test_a_sweep_is_taken_before_the_hints_that_wait():
    for _ in range(3):
        wakeups.publish(wakeups.DISPATCH_EVENTS.task, [str(uuid4())])
    sweep.apply_async(**settings.CELERY_BEAT_SCHEDULE["sweep"]["options"])
    wakeups.publish(wakeups.DISPATCH_EVENTS.task, [str(uuid4())])

    with app.connection_for_read() as broker, broker.channel() as channel:
        taken = [channel.basic_get("dispatch", no_ack=True).headers["task"] for _ in range(5)]
    assert taken == ["models_registry.tasks.sweep", *[wakeups.DISPATCH_EVENTS.task] * 4]
