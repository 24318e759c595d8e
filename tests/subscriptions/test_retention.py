"""Retention of what subscriptions triggered: with the jobs, and never before they have ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from models_registry.handlers import Answered
from models_registry.models import Job
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.services.retention import prune
from subscriptions.models import EventSubscription, Trigger
from tests.subscriptions.conftest import link

pytestmark = pytest.mark.django_db


def _end(job: Job) -> None:
    claimed = claim_job(job.pk)
    assert claimed is not None
    record_outcome(claimed, Answered({}))


def _age(*, days: float) -> None:
    ago = timedelta(days=days)
    Job.objects.update(created_at=F("created_at") - ago)
    Job.objects.filter(due_at=None).update(completed_at=F("completed_at") - ago)
    Trigger.objects.update(created_at=F("created_at") - ago)


@pytest.fixture
def fired(make_model, ask) -> Trigger:
    """A trigger whose job has not ended."""
    make_model("a")
    make_model("b")
    link("a", "b", trigger_event="inference_complete", input={})
    _end(ask("a"))
    return Trigger.objects.get()


@pytest.fixture
def ask():
    from models_registry.services.jobs import request_inference

    return lambda model_id: request_inference(model_id=model_id, version="1", input={})


def test_a_trigger_whose_job_has_not_ended_stays_and_so_does_its_job(fired):
    _age(days=1000)
    counts = prune().counts

    assert (counts["triggers"], counts["jobs"]) == (0, 1)
    fired.refresh_from_db()
    assert Job.objects.get() == fired.job
    assert fired.source_job is None


def test_a_trigger_goes_with_its_jobs_and_the_subscription_stays(fired):
    _end(fired.job)
    _age(days=1000)
    counts = prune().counts

    assert (counts["triggers"], counts["jobs"]) == (1, 2)
    assert not Trigger.objects.exists()
    assert EventSubscription.objects.exists()


def test_a_young_trigger_stays(fired):
    _end(fired.job)
    _age(days=10)

    assert prune().counts["triggers"] == 0
