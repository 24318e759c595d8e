"""A worker killed in the middle of a fan-out: nothing of it is there, and then all of it, once."""

from __future__ import annotations

import pytest

from models_registry.models import Job
from models_registry.services.jobs import request_inference
from subscriptions.models import Trigger
from tests import factories
from tests.faults.processes import killed, wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

SUBSCRIBERS = 300
# What a worker runs that stops inside the transaction of a fan-out, with all rows written.
STOPS_IN_THE_FAN_OUT = """
import sys
import django
django.setup()
from subscriptions.services import firing

insert = firing._insert_triggers
def insert_and_stop(*given):
    insert(*given)
    print("there", flush=True)
    sys.stdin.readline()
firing._insert_triggers = insert_and_stop

from models_registry.queue.worker import work_through
work_through([sys.argv[1]], synchronous=True)
"""


@pytest.fixture
def source_job(faulty) -> Job:
    """An inference of a model that 300 subscriptions wait for."""
    factories.make_active_model("source")
    factories.make_active_model("target")
    for number in range(SUBSCRIBERS):
        factories.make_subscription(
            "source",
            "target",
            trigger_event="inference_complete",
            target_action="inference",
            input_source="stored",
            input={"features": [number]},
        )
    return request_inference(model_id="source", version="1", input={"features": [1]})


def test_a_worker_killed_in_a_fan_out_leaves_nothing_and_another_does_all_of_it_once(
    source_job, faulty, tmp_path
):
    """F4, F18: rows and completion are one transaction; at most one call more for the crash."""
    killed(STOPS_IN_THE_FAN_OUT, str(source_job.pk))
    assert not Trigger.objects.exists()
    assert list(Job.objects.values_list("pk", "status")) == [(source_job.pk, "started")]

    with worker(tmp_path):
        wait_for(
            lambda: Job.objects.filter(status="success").count() == SUBSCRIBERS + 1, seconds=90
        )

    assert Trigger.objects.count() == SUBSCRIBERS
    triggers = Trigger.objects.values_list("subscription_id", "job_id")
    assert len({subscription for subscription, _ in triggers}) == SUBSCRIBERS
    assert len({job for _, job in triggers}) == SUBSCRIBERS
    assert Job.objects.filter(triggered_by_job_id=source_job.pk).count() == SUBSCRIBERS
    calls = faulty.calls_by_job
    assert calls.pop(str(source_job.pk)) == 2
    assert set(calls.values()) == {1}
