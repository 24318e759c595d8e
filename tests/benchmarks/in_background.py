"""Parts beside requests: fan-out to subscriptions, messages, dispatch to Lambda."""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from models_registry import tasks
from models_registry.models import Job, new_id
from models_registry.queue import wakeups
from models_registry.queue.worker import work_through
from models_registry.services.completion import end_job
from subscriptions.models import Trigger
from tests import factories
from tests.benchmarks import competitors, stock
from tests.benchmarks.competitors import ROOT
from tests.benchmarks.names import FLOOR, SERVICE
from tests.benchmarks.places import free_port, running
from tests.benchmarks.rounds import interleave, summary

SUBSCRIBERS = 10_000
JOBS = 400
DELAYED = 300
# What a fan-out inserts, with nothing decided and nothing told to anybody.
BARE = """
    WITH made AS (
        INSERT INTO models_registry_job (id, model_id, version_id, job_type, status, dispatch,
            origin, input, warnings, attempts, triggered_by_id, triggered_by_job_id, depth, due_at,
            created_at, completion_digest, triggered_events)
        SELECT gen_random_uuid(), m.id, m.current_version_id, s.target_action, 'pending', 'queued',
            'triggered', s.input, s.warnings, 0, s.id, %(job)s, 1, now(), now(), '', '[]'
        FROM subscriptions_eventsubscription s JOIN models_registry_model m ON m.id = s.target_id
        WHERE s.source_id = %(source)s RETURNING id, triggered_by_id)
    INSERT INTO subscriptions_trigger (subscription_id, event, source_job_id, job_id, error,
        created_at)
    SELECT triggered_by_id, %(event)s, %(job)s, id, '', now() FROM made
    RETURNING subscription_id, job_id"""

# What a dispatch writes, with nothing read of the job's version and nothing told to anybody.
BARE_CLAIM = """
    UPDATE models_registry_job SET status = 'started', dispatch = 'claimed',
        claim = gen_random_uuid(), attempts = attempts + 1, started_at = now(),
        due_at = now() + interval '182 seconds'
    WHERE id = (SELECT id FROM models_registry_job WHERE dispatch = %s AND due_at <= now()
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, input"""
BARE_END = """
    UPDATE models_registry_job SET status = 'success', dispatch = 'done', output = %s, claim = NULL,
        due_at = NULL, completed_at = now()
    WHERE id = %s AND status = 'started'"""


def fan_out(rounds: int) -> dict[str, Any]:
    """The end of an inference that ten thousand subscriptions wait for, against the bare insert."""
    source = factories.make_active_model("fan-source").pk
    factories.make_active_model("fan-target")
    stock.make_subscriptions(
        "fan-target", SUBSCRIBERS, source=source, trigger_event="inference_complete"
    )

    def service() -> dict[str, Any]:
        job = factories.ask_inference(source, features=[1])
        begun = time.perf_counter()
        end_job(job, status="success", output={"predictions": []})
        return _rate(SUBSCRIBERS, begun)

    def floor() -> dict[str, Any]:
        job = factories.ask_inference(source, features=[1])
        values = {"job": job.pk, "source": source, "event": f"job:{job.pk}"}
        begun = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(BARE, values)
            assert len(cursor.fetchall()) == SUBSCRIBERS
        return _rate(SUBSCRIBERS, begun)

    found = summary(interleave({SERVICE: _tidied(service), FLOOR: _tidied(floor)}, rounds))
    Trigger.objects.all().delete()
    return found


def messages(rounds: int) -> dict[str, Any]:
    """Waking workers for as many jobs, against a loop of `delay()`."""
    ids = [new_id() for _ in range(SUBSCRIBERS)]

    def service() -> dict[str, Any]:
        begun = time.perf_counter()
        wakeups.publish_wakeups(ids, synchronous=False)
        assert wakeups.publisher.flush(10)
        return _rate(len(ids), begun)

    def delay() -> dict[str, Any]:
        begun = time.perf_counter()
        for job_id in ids[:DELAYED]:
            tasks.dispatch_events.delay([str(job_id)])
        return _rate(DELAYED, begun)

    found = summary(interleave({SERVICE: service, "delay()": delay}, rounds))
    _empty_queues()
    return found


def dispatch(rounds: int, folder: Path) -> dict[str, Any]:
    """Calls of one worker process that an endpoint in Lambda's place answers at once."""
    from django.conf import settings

    model = factories.make_active_model("dispatched").pk
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.endpoint", str(port)]

    def measured(work: Callable[[], None]) -> dict[str, Any]:
        stock.make_jobs(model, JOBS)
        begun, spent = time.perf_counter(), time.process_time()
        work()
        return _rate(JOBS, begun) | {"processor_ms": (time.process_time() - spent) * 1000 / JOBS}

    with running(command, folder, env={"PYTHONPATH": str(ROOT)}), _logging_to(folder / "lines"):
        competitors.wait_for(competitors.Server(port, "Accept: */*", 0), "/")
        settings.LAMBDA_ENDPOINT_URL = f"http://127.0.0.1:{port}"
        cases: dict[str, Callable[[], dict[str, Any]]] = {
            SERVICE: lambda: measured(_work_off),
            FLOOR: lambda: measured(_bare_calls),
        }
        found = interleave(cases, rounds)
        undone = Job.objects.filter(model_id=model).exclude(status="success").first()
        assert undone is None, undone.error
        waits = _latencies(model, folder)
    spent = statistics.median(outcome["processor_ms"] for outcome in found[SERVICE])
    return {**summary(found), "processor_ms": spent, "latency_ms": waits}


@contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """Write log lines, which a worker has one of for each call, to a file and not to the screen."""
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    with file.open("w", encoding="utf-8") as lines:
        before = handler.setStream(lines)
        try:
            yield
        finally:
            handler.setStream(before or sys.stderr)


def _work_off() -> None:
    while work_through([], synchronous=True):
        pass


def _bare_calls() -> None:
    """Claim each due job, call the function with boto3 and record that it answered: no rule."""
    from models_registry.handlers.lambda_clients import client

    arn = "arn:aws:lambda:us-west-2:123456789012:function:infer-model"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(BARE_CLAIM, ["queued"])
            job = cursor.fetchone()
            if job is None:
                return
            answer = client("us-west-2", "RequestResponse").invoke(
                FunctionName=arn, Payload=job[1].encode()
            )
            cursor.execute(BARE_END, [answer["Payload"].read().decode(), job[0]])


def _latencies(model: str, folder: Path) -> dict[str, float]:
    """Return how long a new job waits for its call on an idle system with a worker, in ms."""
    import os

    from django.conf import settings

    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL_LAMBDA": settings.LAMBDA_ENDPOINT_URL or "",
    }
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "sync", "-c", "1"]
    worker = folder / "worker"
    worker.mkdir()
    _empty_queues()
    with running(command, worker, env=environment):
        found = []
        for number in range(42):
            job = factories.ask_inference(model, features=[number])
            found.append(_started_after(job.pk))
            time.sleep(0.05)
    found = sorted(found[2:])  # the first wait for the worker to start
    return {"p50": statistics.median(found), "p95": found[int(len(found) * 0.95)]}


def _started_after(job_id: UUID) -> float:
    """Wait until a job was claimed, which is just before its call; milliseconds by one clock."""
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        job = Job.objects.get(pk=job_id)
        if job.started_at and job.status == "success":
            return (job.started_at - job.created_at).total_seconds() * 1000
        time.sleep(0.005)
    raise SystemExit("The worker did not start the job within a minute.")


def _tidied(run: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Return `run`, which leaves behind no rows that the next one would have to live with."""

    def tidy() -> dict[str, Any]:
        outcome = run()
        Trigger.objects.all()._raw_delete(connection.alias)
        Job.objects.all()._raw_delete(connection.alias)
        _empty_queues()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE models_registry_job, subscriptions_trigger")
        return outcome

    return tidy


def _empty_queues() -> None:
    from config.celery import app

    with app.connection_for_write() as broker:
        for queue in ("dispatch", "sync", "background"):
            broker.default_channel.queue_purge(queue)


def _rate(count: int, begun: float) -> dict[str, Any]:
    return {"per_second": count / (time.perf_counter() - begun)}
