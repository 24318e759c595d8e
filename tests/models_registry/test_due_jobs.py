"""Which jobs are found while circuit breakers are open, and who may claim them."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest

from models_registry.models import Action, Job, ModelVersion
from models_registry.queue import due_jobs
from models_registry.queue.claim import claim_callable_job
from models_registry.queue.due_jobs import callable_jobs
from tests.at_once import at_once
from tests.examples import create_model
from tests.factories import ask_inference, ask_training, make_active_model

pytestmark = pytest.mark.django_db

ARN = "arn:aws:lambda:us-west-2:123456789012:function:"
TRAIN, INFER, OTHER = f"{ARN}train", f"{ARN}infer", f"{ARN}train-other"


@pytest.fixture
def jobs(db) -> list[Job]:
    """A training of the example's function, one of another, and an inference; in this order."""
    make_active_model("model")
    handlers = create_model()["handlers"] | {"training": {"type": "lambda", "arn": OTHER}}
    make_active_model("other", handlers=handlers)
    return [ask_training("model"), ask_training("other"), ask_inference("model")]


@pytest.fixture(autouse=True)
def all_calls_are_alike(settings) -> None:
    """Both job types are found by one search, except where a test changes it."""
    settings.LAMBDA_INVOCATION_TYPES = dict.fromkeys(Action.values, "Event")


def _found(*open_functions: str, synchronous: bool = False) -> list[tuple[UUID, str]]:
    found = callable_jobs(open_functions, synchronous=synchronous)
    return [(UUID(job_id), function) for job_id, function in found]


def test_jobs_are_found_in_the_order_in_which_they_are_due_with_their_functions(jobs):
    first, second, third = (job.pk for job in jobs)
    assert _found() == [(first, TRAIN), (second, OTHER), (third, INFER)]


def test_the_function_of_a_job_is_that_of_its_type(jobs):
    assert [function for _, function in _found(TRAIN)] == [OTHER, INFER]
    assert [function for _, function in _found(INFER)] == [TRAIN, OTHER]
    assert _found(TRAIN, OTHER, INFER) == []


def test_only_jobs_whose_calls_are_of_the_kind_asked_for_are_found(jobs, settings):
    assert _found(synchronous=True) == []
    settings.LAMBDA_INVOCATION_TYPES = {"training": "Event", "inference": "RequestResponse"}
    assert [function for _, function in _found(TRAIN)] == [OTHER]
    assert [function for _, function in _found(synchronous=True)] == [INFER]


def test_no_more_are_found_than_one_will_soon_claim(jobs, monkeypatch):
    monkeypatch.setattr(due_jobs, "FOUND_AT_MOST", 2)
    assert [function for _, function in _found()] == [TRAIN, OTHER]


def test_a_job_that_may_not_be_called_is_not_claimed(jobs):
    asked: list[tuple[str, str]] = []

    def refuse(version: ModelVersion, job_type: str) -> bool:
        asked.append((version.model_id, job_type))
        return False

    assert claim_callable_job(jobs[1].pk, refuse) is None
    assert asked == [("other", "training")]
    assert Job.objects.get(pk=jobs[1].pk).attempts == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_who_found_the_same_job_only_the_one_who_gets_it_asks_whether_it_may_be_called(
    jobs,
):
    """Else each of the others would use up the trial of a function, and not make it."""
    asked: list[str] = []

    def allow(version: ModelVersion, job_type: str) -> bool:
        asked.append(job_type)
        return True

    claimed = at_once(*[partial(claim_callable_job, jobs[0].pk, allow)] * 4)

    assert [job.pk for job in claimed if job] == [jobs[0].pk]
    assert asked == ["training"]
