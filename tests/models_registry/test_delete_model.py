"""deleteModel: its jobs go with it, however many, and nothing goes when it is refused."""

from __future__ import annotations

import pytest

from models_registry.handlers import Answered
from models_registry.models import Job, Model
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.services import models
from models_registry.services.models import ModelInUse, delete_model
from subscriptions.models import Trigger
from tests.factories import ask_inference, ask_training, make_active_model, make_subscription

# What jobs are referred to by is checked at the commit.
pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "model_price_reco_v1"


def _end_all() -> None:
    while job := Job.objects.exclude(due_at=None).first():
        record_outcome(claim_job(job.pk), Answered({}))


@pytest.fixture
def chained(active_model, monkeypatch) -> Model:
    """A model with more jobs, by hand and of its own events, than one statement deletes."""
    monkeypatch.setattr(models, "DELETED_AT_ONCE", 2)
    make_subscription(MODEL, MODEL, input={"n": 1})
    make_subscription(MODEL, MODEL, input={"n": 2})
    for n in range(3):
        ask_inference(n=n)
    ask_training()
    _end_all()
    assert Job.objects.count() == 6
    assert Trigger.objects.count() == 2
    return active_model


def test_all_its_jobs_and_what_triggered_them_go_with_it(chained):
    make_active_model("other")
    ask_inference("other")
    delete_model(model_id=MODEL)

    assert Job.objects.get().model_id == "other"
    assert not Trigger.objects.exists()
    assert Model.objects.get().pk == "other"


def test_when_it_is_refused_every_job_stays(chained):
    make_active_model("source")
    make_subscription("source", MODEL)
    with pytest.raises(ModelInUse):
        delete_model(model_id=MODEL)

    assert Job.objects.count() == 6
    assert Trigger.objects.filter(job__isnull=False, source_job__isnull=False).count() == 2
