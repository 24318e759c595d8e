"""What a worker does with one message: the jobs it names, and whatever else is due."""

from __future__ import annotations

from copy import copy
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from models_registry.models import Job
from models_registry.queue import worker
from models_registry.queue.claim import claim_job
from models_registry.queue.worker import call_handler, work_through
from models_registry.services.jobs import request_inference, request_training

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"


@pytest.fixture
def training(model) -> Job:
    return request_training(model_id=MODEL, version="1", input={})


def test_a_worker_goes_on_with_what_else_is_due(scripted, active_model):
    """One message is enough to work off a backlog, so that a fan-out needs few of them."""
    named, other = (
        request_inference(model_id=MODEL, version="1", input={"n": n}) for n in range(2)
    )
    assert not work_through([str(named.pk)], synchronous=True)

    assert {job.pk for job in Job.objects.filter(attempts=1)} == {named.pk, other.pk}


def test_a_worker_takes_only_the_kind_of_calls_of_its_queue(scripted, training):
    assert not work_through([], synchronous=True)

    assert Job.objects.get().status == "pending"


def test_a_message_that_names_nothing_harms_nothing(scripted, training):
    """F19: garbage in the queue."""
    assert not work_through(["not an id", str(uuid4())], synchronous=False)

    assert Job.objects.get().attempts == 1


def test_a_job_that_can_not_be_dispatched_does_not_stop_the_others(monkeypatch, scripted, model):
    jobs = [request_training(model_id=MODEL, version="1", input={}) for _ in range(2)]
    monkeypatch.setattr(
        worker, "claim_job", lambda _: (_ for _ in ()).throw(RuntimeError("no luck"))
    )
    work_through([str(jobs[0].pk)], synchronous=False)

    assert Job.objects.filter(attempts=1).count() == 2


@pytest.mark.postgres
def test_a_backlog_of_one_kind_is_not_in_the_way_of_the_other(scripted, training):
    """A claim goes by the index in which each type of queued job has a stretch of its own."""
    stored = Job.objects.get()
    Job.objects.bulk_create(_like(stored, uuid4()) for _ in range(300))
    with connection.cursor() as cursor:
        # Else the plan would go by what other tests left in the table.
        cursor.execute(f"ANALYZE {Job._meta.db_table}")
    with CaptureQueriesContext(connection) as captured:
        work_through([], synchronous=True)
    (claim,) = (query["sql"] for query in captured if query["sql"].startswith("UPDATE"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off")
        cursor.execute(f"EXPLAIN {claim}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using job_queued" in plan


def _like(job: Job, pk: UUID) -> Job:
    twin = copy(job)
    twin.pk = pk
    return twin


def test_a_process_that_stood_still_after_its_claim_makes_no_call(scripted, training, caplog):
    """Another one may have taken the job meanwhile, and be at it."""
    job = claim_job(training.pk)
    job.claimed_from -= 61
    call_handler(job)

    assert scripted.calls == []
    assert "its claim is too old" in caplog.text
    assert Job.objects.get().dispatch == "claimed"
