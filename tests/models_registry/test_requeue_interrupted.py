"""What the embedded default does on its start about the calls that its predecessor was making."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from models_registry.handlers import Accepted, Answered
from models_registry.models import Dispatch, Job, JobStatus, Model, VersionStatus
from models_registry.queue.claim import claim_job
from models_registry.queue.sweeper import requeue_interrupted
from models_registry.services.completion import complete_job
from tests import factories
from tests.scripted import ScriptedHandler

pytestmark = pytest.mark.django_db


def fresh(job: Job) -> Job:
    return Job.objects.select_related("version").get(pk=job.pk)


def test_a_claim_and_a_call_that_awaits_its_callback_are_made_again(
    model: Model, scripted: ScriptedHandler, run_due_jobs: Callable[[], int]
) -> None:
    """F3, F4: without it they would wait for their lease, or for a deadline hours away."""
    dispatched = factories.ask_training()
    assert run_due_jobs() == 1
    claimed = factories.ask_training()
    assert claim_job(claimed.pk) is not None
    assert requeue_interrupted() == 2
    assert run_due_jobs() == 2
    assert [fresh(job).attempts for job in (dispatched, claimed)] == [2, 2]
    assert len(scripted.calls) == 3


def test_what_waits_or_has_ended_is_left_alone(
    active_model: Model, scripted: ScriptedHandler, run_due_jobs: Callable[[], int]
) -> None:
    ended = factories.ask_inference()
    scripted.outcomes.append(Answered({"predictions": [1]}))
    assert run_due_jobs() == 1
    waiting = factories.ask_training()
    before = [fresh(job).__dict__ for job in (ended, waiting)]
    assert requeue_interrupted() == 0
    columns = Job._meta.get_fields()
    for job, row in zip((ended, waiting), before, strict=True):
        now = fresh(job).__dict__
        assert all(now[c.attname] == row[c.attname] for c in columns if hasattr(c, "attname"))


def test_what_ended_the_process_each_time_is_not_tried_for_ever(
    model: Model, scripted: ScriptedHandler, run_due_jobs: Callable[[], int], settings: Settings
) -> None:
    """F3: "after max_attempts -> failure with error code dispatch_crashed"."""
    settings.DISPATCH_MAX_ATTEMPTS = 2
    job = factories.ask_training()
    for _ in range(2):
        assert run_due_jobs() == 1
        requeue_interrupted()
    assert run_due_jobs() == 0
    ended = fresh(job)
    assert (ended.status, ended.dispatch) == (JobStatus.FAILURE, Dispatch.DONE)
    assert ended.error["code"] == "dispatch_crashed"
    assert ended.version.status == VersionStatus.FAILED


def test_a_report_of_the_earlier_call_still_counts(
    model: Model, scripted: ScriptedHandler, run_due_jobs: Callable[[], int]
) -> None:
    """F8: completion is accepted from `pending` as well as `started`; the call is not repeated."""
    scripted.outcomes.append(Accepted("first"))
    job = factories.ask_training()
    run_due_jobs()
    requeue_interrupted()
    outcome: dict[str, Any] = {"status": "success", "output": {}, "error": None}
    complete_job(model_id=model.pk, version="1", job_id=job.pk, **outcome)
    assert run_due_jobs() == 0
    assert fresh(job).status == JobStatus.SUCCESS
