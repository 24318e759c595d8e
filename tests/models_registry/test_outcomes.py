"""Recording what became of a call while the database comes and goes: no call is made twice."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError

from models_registry.handlers import Answered, Failed, Outcome, Retry
from models_registry.models import Job
from models_registry.queue import outcomes
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_persistently
from models_registry.queue.worker import call_handler
from models_registry.services.jobs import request_inference
from tests.faults.processes import environment

pytestmark = pytest.mark.django_db(transaction=True)

TOO_MANY = {"code": "lambda_throttled", "message": "Lambda refused the call (429)."}


@pytest.fixture
def claimed(active_model) -> Job:
    job = request_inference(model_id=active_model.pk, version="1", input={"features": [1]})
    claimed = claim_job(job.pk)
    assert claimed is not None
    return claimed


@pytest.fixture
def broken(monkeypatch) -> list[str]:
    """Where a recording breaks, in their order: "before" it, or "after" its commit."""
    places: list[str] = []
    record = outcomes.record_outcome

    def break_there(job: Job, outcome: Outcome) -> None:
        place = places.pop(0) if places else None
        if place != "before":
            record(job, outcome)
        if place is not None:
            raise OperationalError("the connection is lost")

    monkeypatch.setattr(outcomes, "record_outcome", break_there)
    return places


def _stored() -> tuple[str, int, int]:
    job = Job.objects.get()
    return job.status, job.attempts, job.throttled


@pytest.mark.postgres
def test_a_connection_that_ends_during_the_call_costs_no_second_call(claimed, scripted):
    """ "A double charge": the answer was paid for, and is in hand."""

    def end_them(_: object) -> Outcome:
        with psycopg.connect(environment()["DATABASE_URL"], autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return Answered({"predictions": []})

    scripted.outcomes = [end_them]
    call_handler(claimed)

    assert _stored() == ("success", 1, 0)
    assert len(scripted.calls) == 1


@pytest.mark.parametrize("places", [["before"], ["after"], ["before", "before", "after"]])
@pytest.mark.parametrize(
    ("outcome", "stored"),
    [
        (Answered({"predictions": []}), ("success", 1, 0)),
        (Failed({"code": "lambda_error", "message": "No."}), ("failure", 1, 0)),
        (Retry(TOO_MANY, throttled=True), ("started", 0, 1)),
    ],
)
def test_an_outcome_counts_once_wherever_its_recording_broke(
    claimed, broken, places, outcome, stored
):
    """F12: whether the COMMIT was done is not known to who lost the connection at it."""
    broken.extend(places)
    record_persistently(claimed, outcome)

    assert broken == []
    assert _stored() == stored


def test_a_database_that_stays_away_is_waited_for_no_longer_than_the_claim_lasts(
    claimed, broken, settings
):
    """ "No unbounded retry": what was not recorded is then done by another worker."""
    settings.DISPATCH_LEASE_SECONDS = 1
    broken.extend(["before"] * 1000)
    with pytest.raises(OperationalError):
        record_persistently(claimed, Answered({"predictions": []}))

    assert 2 <= 1000 - len(broken) <= 5
    assert _stored() == ("started", 1, 0)
