"""The bound on a model's jobs in flight: for those who ask, and for nobody else."""

from __future__ import annotations

from functools import partial

import pytest

from models_registry.handlers import Answered, Failed
from models_registry.models import Job
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.services.jobs import TooManyJobs
from models_registry.services.reruns import retry_job
from tests.at_once import at_once
from tests.factories import (
    ask_inference,
    ask_training,
    change_model,
    make_active_model,
    make_subscription,
)

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"


@pytest.fixture(autouse=True)
def bound_of_two(settings) -> None:
    settings.JOBS_IN_FLIGHT_PER_MODEL = 2


def _end(job: Job, outcome=None) -> None:
    claimed = claim_job(job.pk)
    assert claimed is not None
    record_outcome(claimed, outcome or Answered({}))


def test_one_job_too_many_is_429_and_leaves_nothing(api, active_model):
    ask_inference()
    ask_training()
    for path, body in (("inference", {"input": {}, "subscribe": True}), ("training", {})):
        answer = api.post(f"/v2/models/{MODEL}/versions/1/{path}", body)

        assert (answer.status, answer.body["code"]) == (429, "too_many_jobs")
        assert answer.headers["Retry-After"] == "5"
    assert Job.objects.count() == 2
    assert api.get(f"/v2/models/{MODEL}/event-subscriptions").body == []


def test_a_started_job_counts_and_one_that_ended_does_not(active_model):
    first, _ = ask_inference(), ask_inference()
    claimed = claim_job(first.pk)
    with pytest.raises(TooManyJobs):
        ask_inference()

    record_outcome(claimed, Answered({}))
    assert ask_inference().status == "pending"


def test_each_model_has_its_own_bound(active_model):
    make_active_model("other")
    ask_inference()
    ask_inference()

    assert ask_inference("other").status == "pending"


def test_a_retry_is_asked_for_and_bound_as_well(active_model):
    job = ask_inference()
    _end(job, Failed({"code": "no_luck", "message": "No luck."}))
    ask_inference()
    ask_inference()

    with pytest.raises(TooManyJobs):
        retry_job(job_id=job.pk)


def test_what_a_subscription_triggers_is_recorded_all_the_same(active_model):
    """Nobody would ask for it again, so it is never dropped."""
    make_active_model("target")
    for n in range(4):
        make_subscription(MODEL, "target", trigger_event="inference_complete", input={"n": n})
    _end(ask_inference())

    assert Job.objects.filter(model="target").count() == 4
    with pytest.raises(TooManyJobs):
        ask_inference("target")


def test_the_training_of_an_update_is_recorded_all_the_same(active_model):
    ask_inference()
    ask_inference()

    assert Job.objects.get(version=change_model()).origin == "automatic"


@pytest.mark.django_db(transaction=True)
def test_of_requests_at_the_same_moment_as_many_get_through_as_there_is_room_for(active_model):
    """H24 for jobs: the count and the row are one."""
    results = at_once(*[partial(ask_inference, n=n) for n in range(8)])

    assert sum(isinstance(result, Job) for result in results) == 2
    assert sum(isinstance(result, TooManyJobs) for result in results) == 6
    assert Job.objects.count() == 2
