"""Around the call of a handler: workers killed, and reports that come there (F4, F6 to F9)."""

from __future__ import annotations

import pytest

from models_registry.models import Job, ModelVersion
from models_registry.services.completion import JobAlreadyFinished, complete_job
from models_registry.services.jobs import request_inference, request_training
from tests.faults.processes import killed, wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

# What a worker runs that stops at a function of the dispatch: before it, with the claim made, or
# before the outcome of the call is recorded.
STOPS_AT = """
import sys
import django
django.setup()
from models_registry.queue import worker

def stop(*_, **__):
    print("there", flush=True)
    sys.stdin.readline()
setattr(worker, sys.argv[1], stop)
worker.work_through([sys.argv[2]], synchronous=False)
"""
BEFORE_THE_CALL, BEFORE_THE_RECORD = "_call", "record_persistently"


def _kill_at(place: str, job: Job) -> None:
    killed(STOPS_AT, place, str(job.pk))


def _train(model) -> Job:
    return request_training(model_id=model.pk, version="1", input={})


def _report(job: Job, **outcome) -> Job:
    given = {"status": "success", "output": {}, "error": None, **outcome}
    return complete_job(model_id=job.model_id, version="1", job_id=job.pk, **given)


def _is_dispatched() -> bool:
    return Job.objects.filter(dispatch="dispatched").exists()


def test_a_worker_killed_before_the_call_leaves_it_to_another(model, faulty, tmp_path):
    """F4: a try is counted, and no call was made twice."""
    job = _train(model)
    _kill_at(BEFORE_THE_CALL, job)
    assert faulty.calls == []

    with worker(tmp_path):
        wait_for(_is_dispatched)
    assert faulty.calls_by_job == {str(job.pk): 1}
    assert Job.objects.get().attempts == 2


def test_a_worker_killed_with_the_answer_in_hand_costs_one_call_more(
    active_model, faulty, tmp_path
):
    """F4: at most one duplicate for each crash; the job succeeds once."""
    job = request_inference(model_id=active_model.pk, version="1", input={"features": [1]})
    _kill_at(BEFORE_THE_RECORD, job)
    assert faulty.calls_by_job == {str(job.pk): 1}

    with worker(tmp_path):
        wait_for(lambda: Job.objects.filter(status="success").exists())
    assert faulty.calls_by_job == {str(job.pk): 2}
    assert Job.objects.get().attempts == 2


def test_a_report_that_comes_during_the_call_counts_and_so_does_its_repetition(
    model, faulty, tmp_path
):
    """F6, F8: the handler is faster than Lambda; what the worker then records changes nothing."""
    faulty.mode, faulty.hang_seconds = "late", 1.0
    job = _train(model)
    with worker(tmp_path):
        wait_for(lambda: faulty.calls)
        first = _report(job)
        assert Job.objects.get().completed_at is not None
        assert _report(job).completed_at == first.completed_at
        marker = _train(model)
        wait_for(lambda: Job.objects.filter(pk=marker.pk, dispatch="dispatched").exists())
    found = Job.objects.get(pk=job.pk)

    assert (found.status, found.completed_at) == ("success", first.completed_at)
    assert ModelVersion.objects.get().activations == 1
    assert faulty.calls_by_job[str(job.pk)] == 1


def test_a_report_that_comes_before_the_deadline_stays(model, faulty, tmp_path):
    """F9: the deadline then has nothing to end."""
    job = _train(model)
    with worker(tmp_path, TRAINING_DEADLINE_SECONDS="2"):
        wait_for(_is_dispatched)
        _report(job)
        late = _train(model)
        wait_for(lambda: Job.objects.filter(pk=late.pk, status="failure").exists())

    assert Job.objects.get(pk=job.pk).status == "success"


def test_a_report_that_comes_after_the_deadline_is_refused_and_says_so(model, faulty, tmp_path):
    """F9: "contradicting it is 409"; the failure stays what it was."""
    job = _train(model)
    with worker(tmp_path, TRAINING_DEADLINE_SECONDS="1"):
        wait_for(lambda: Job.objects.filter(status="failure").exists())
        with pytest.raises(JobAlreadyFinished):
            _report(job)

    found = Job.objects.get()
    assert (found.status, found.error["code"]) == ("failure", "deadline_exceeded")
    assert ModelVersion.objects.get().status == "failed"


@pytest.mark.parametrize("mode", ["half", "hang", "reset", "late"])
def test_a_call_without_an_answer_in_time_is_not_made_again_and_its_report_counts(
    model, faulty, tmp_path, mode
):
    """F10: unknown is not failed."""
    faulty.mode, faulty.hang_seconds = mode, 4.0
    job = _train(model)
    with worker(tmp_path):
        wait_for(_is_dispatched)
        faulty.mode = "ok"
        marker = _train(model)
        wait_for(lambda: Job.objects.filter(pk=marker.pk, dispatch="dispatched").exists())
    assert Job.objects.get(pk=job.pk).status == "started"
    _report(job)

    assert Job.objects.get(pk=job.pk).status == "success"
    assert faulty.calls_by_job[str(job.pk)] == 1
