"""What a worker process keeps of the database from one message to the next."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from models_registry.models import Job
from tests.factories import ask_inference
from tests.faults.processes import wait_for, worker

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

MESSAGES = 12
# The server tells of a new session at its end, or within a second.
TOLD_AFTER_SECONDS = 1.5


def test_a_worker_keeps_its_connections_from_message_to_message(
    active_model, faulty_lambda, tmp_path
):
    """Connecting anew would cost each job more than its claim and its call."""
    with worker(tmp_path):
        _work_off(4)
        before = _sessions()
        _work_off(MESSAGES)
        # A second child may have connected meanwhile, and the heart does so every ten seconds.
        assert _sessions() - before < MESSAGES / 2


def _work_off(number: int) -> None:
    """Have the worker do jobs one by one: each is a message of its own."""
    for _ in range(number):
        job = ask_inference(features=[1])
        wait_for(lambda pk=job.pk: Job.objects.get(pk=pk).status == "success")


def _sessions() -> int:
    """Return how many sessions there ever were with this database."""
    time.sleep(TOLD_AFTER_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)
