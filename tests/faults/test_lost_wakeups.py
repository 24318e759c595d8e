"""Lost messages and dead processes: what was accepted is done all the same (F1 to F6, F19)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import redis
from django.conf import settings
from django.db.models.functions import Now

from models_registry.models import Job, ModelVersion
from models_registry.queue import wakeups
from models_registry.services.completion import complete_job
from models_registry.services.jobs import request_training
from tests.faults.processes import environment, wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

MODEL = "model_price_reco_v1"
# What a web process runs that dies between the commit and the wake-up.
DIES_BEFORE_THE_HINT = """
import django, os, signal
django.setup()
from models_registry.queue import wakeups
wakeups.publish_wakeups = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
from models_registry.services.jobs import request_training
request_training(model_id="model_price_reco_v1", version="1", input={})
"""


def _train(**input) -> Job:
    return request_training(model_id=MODEL, version="1", input=input)


def _is_dispatched(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, dispatch="dispatched").exists()


def _finish(job: Job) -> Job:
    return complete_job(
        model_id=MODEL, version="1", job_id=job.pk, status="success", output={}, error=None
    )


def test_a_web_process_killed_between_commit_and_hint_loses_nothing(model, faulty, tmp_path):
    """F1: the row is there, nobody was told; the sweep finds it and Lambda is called once."""
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_THE_HINT], env=environment(), timeout=60, check=False
    )
    assert died.returncode == -signal.SIGKILL
    job = Job.objects.get()

    with worker(tmp_path):
        wait_for(lambda: _is_dispatched(job))
    assert faulty.calls_by_job == {str(job.pk): 1}


def test_a_hundred_jobs_survive_a_broker_that_forgets_everything(active_model, faulty, tmp_path):
    """F5: the queue is emptied before any worker has seen it."""
    jobs = [_train(n=n) for n in range(100)]
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
        for key in broker.scan_iter(match=f"{settings.REDIS_PREFIX}*"):
            broker.delete(key)

    with worker(tmp_path):
        wait_for(lambda: Job.objects.filter(dispatch="dispatched").count() == 100)
    assert faulty.calls_by_job == {str(job.pk): 1 for job in jobs}


def test_a_worker_killed_during_the_call_makes_one_call_more_at_most(model, faulty, tmp_path):
    """F4: at most one duplicate for each crash, and each call says which job it is for."""
    faulty.mode, faulty.hang_seconds = "hang", 30.0
    job = _train()
    with worker(tmp_path) as first:
        wait_for(lambda: faulty.calls)
        first.kill()
    assert Job.objects.get().dispatch == "claimed"

    faulty.mode = "ok"
    with worker(tmp_path):
        wait_for(lambda: _is_dispatched(job))
    assert faulty.calls_by_job == {str(job.pk): 2}
    assert Job.objects.get().attempts == 2
    _finish(job)
    assert ModelVersion.objects.get().activations == 1


def test_a_worker_killed_after_the_call_leaves_the_answer_to_count(model, faulty, tmp_path):
    """F8: the callback comes while the claim is held by a dead worker."""
    faulty.mode, faulty.hang_seconds = "hang", 30.0
    job = _train()
    with worker(tmp_path) as first:
        wait_for(lambda: faulty.calls)
        first.kill()
    _finish(job)

    with worker(tmp_path):
        marker = _train(marker=1)
        faulty.mode = "ok"
        wait_for(lambda: _is_dispatched(marker))
    assert faulty.calls_by_job[str(job.pk)] == 1
    assert Job.objects.get(pk=job.pk).status == "success"


def test_a_job_that_kills_its_worker_each_time_ends_and_holds_nothing_up(
    active_model, faulty, tmp_path
):
    """F3: bounded tries, then a failure; the other jobs all finish meanwhile."""
    faulty.mode, faulty.hang_seconds = "hang", 30.0
    poison = _train(poison=1)
    for tried in (1, 2):
        with worker(tmp_path, DISPATCH_MAX_ATTEMPTS="2") as victim:
            wait_for(lambda tried=tried: faulty.calls_by_job[str(poison.pk)] == tried)
            victim.kill()
    faulty.mode = "ok"
    others = [_train(n=n) for n in range(20)]

    with worker(tmp_path, DISPATCH_MAX_ATTEMPTS="2"):
        wait_for(lambda: Job.objects.filter(status="failure").exists())
        wait_for(lambda: Job.objects.filter(dispatch="dispatched").count() == 20)
    assert Job.objects.get(pk=poison.pk).error["code"] == "dispatch_crashed"
    assert faulty.calls_by_job[str(poison.pk)] == 2
    assert all(faulty.calls_by_job[str(job.pk)] == 1 for job in others)


def test_one_job_published_fifty_times_is_called_once(model, faulty, tmp_path):
    """F6: many messages, four processes of two workers, several sweeps."""
    job = _train()
    for _ in range(50):
        wakeups.publish_wakeups([job.pk], synchronous=False)

    with worker(tmp_path), worker(tmp_path):
        wait_for(lambda: _is_dispatched(job))
        marker = _train(marker=1)
        wait_for(lambda: _is_dispatched(marker))
    assert faulty.calls_by_job[str(job.pk)] == 1


def test_garbage_in_the_queue_stops_nobody(model, faulty, tmp_path):
    """F19: bytes that are no message, a task nobody knows, a job that is not there."""
    from config.celery import app

    queue = f"{settings.REDIS_PREFIX}dispatch"
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
        broker.lpush(queue, json.dumps({"body": "!", "headers": {}, "properties": {}}))
    app.send_task("nobody.knows", args=[1], queue="dispatch")
    app.send_task("models_registry.tasks.dispatch_events", args=[["not an id"]], queue="dispatch")
    job = _train()

    with worker(tmp_path):
        wait_for(lambda: _is_dispatched(job))


def test_a_job_past_its_deadline_is_failed_by_the_sweep(model, faulty, tmp_path):
    """F9, F26: a handler that never calls back."""
    job = _train()
    with worker(tmp_path, TRAINING_DEADLINE_SECONDS="1"):
        wait_for(lambda: Job.objects.filter(status="failure").exists())

    assert Job.objects.get(pk=job.pk).error["code"] == "deadline_exceeded"
    assert not Job.objects.filter(due_at__lte=Now()).exists()


def test_throttling_is_waited_out(model, faulty, tmp_path):
    """F10, F11: 429 is not a failure of the job; no two tries within a second."""
    faulty.mode = (429, "TooManyRequestsException", b'{"Message": "Rate Exceeded."}')
    job = _train()
    with worker(tmp_path):
        wait_for(lambda: Job.objects.filter(throttled=2).exists())
        faulty.mode = "ok"
        wait_for(lambda: _is_dispatched(job))
    assert Job.objects.get().error is None


def test_a_worker_that_is_asked_to_stop_ends_what_it_does(model, faulty, tmp_path):
    """F20."""
    faulty.mode, faulty.hang_seconds = "hang", 1.0
    _train()
    with worker(tmp_path) as running:
        wait_for(lambda: faulty.calls)
        assert running.stop() == 0
    assert Job.objects.get().dispatch == "dispatched"
