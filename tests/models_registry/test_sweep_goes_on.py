"""The sweep does for all others what it can't do for one."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from models_registry.handlers import Accepted
from models_registry.models import Job
from models_registry.queue import sweeper
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.queue.sweeper import sweep
from tests.factories import ask_training, make_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(monkeypatch) -> str:
    """A model whose jobs can't be ended now, as while a long transaction holds its row."""
    end_job = sweeper.end_job

    def end(job: Job, **outcome: object) -> Job:
        if job.model_id == "held":
            raise OperationalError("canceling statement due to lock timeout")
        return end_job(job, **outcome)  # type: ignore[arg-type]

    monkeypatch.setattr(sweeper, "end_job", end)
    return make_model("held").pk


def _overdue(model_id: str) -> Job:
    job = ask_training(model_id)
    record_outcome(claim_job(job.pk), Accepted("request-1"))
    Job.objects.filter(pk=job.pk).update(due_at=Now())
    return job


def test_a_job_that_can_not_be_ended_holds_up_no_other_and_no_hint(held):
    put_off = [_overdue(held), _overdue(held)]
    others = [_overdue(make_model(name).pk) for name in ("b", "c")]
    ask_training("b")

    found = sweep()
    assert (found["jobs_overdue"], found["jobs_waiting"]) == (2, 1)
    assert all(Job.objects.get(pk=job.pk).status == "failure" for job in others)
    assert all(Job.objects.get(pk=job.pk).status == "started" for job in put_off)
    assert sweep()["jobs_overdue"] == 0


def test_of_a_model_that_is_held_one_job_is_tried_in_a_sweep(held, caplog):
    """Each try waits for the lock as long as a statement may."""
    for _ in range(3):
        _overdue(held)
    sweep()

    assert caplog.text.count("sweep.put_off") == 1
