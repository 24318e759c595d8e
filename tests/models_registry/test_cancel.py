"""cancelJob: a job that nobody has begun with ends, and is never dispatched."""

from __future__ import annotations

from functools import partial

import pytest

from models_registry.handlers import Answered, Retry
from models_registry.models import Job, Model, ModelVersion
from models_registry.observability.audit_log import AuditEntry
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.queue.worker import work_through
from models_registry.services.reruns import JobNotPending, cancel_job, retry_job
from tests.at_once import at_once
from tests.factories import ask_inference, ask_training, change_model

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"
CANCELLED = {
    "code": "cancelled",
    "message": "The job was cancelled before a worker had begun with it.",
}


@pytest.fixture
def training(model) -> Job:
    return ask_training()


def test_a_cancelled_job_is_a_failure_that_never_started(api, training):
    answer = api.post(f"/v2/jobs/{training.pk}/cancel", {})

    assert answer.status == 200
    assert answer.body == api.get(f"/v2/jobs/{training.pk}").body
    assert (answer.body["status"], answer.body["error"]) == ("failure", CANCELLED)
    assert (answer.body["started_at"], answer.body["attempts"]) == (None, 0)
    assert answer.body["completed_at"] is not None


def test_a_cancelled_job_is_never_dispatched(scripted, training):
    cancel_job(job_id=training.pk)

    assert claim_job(training.pk) is None
    assert not work_through([str(training.pk)], synchronous=False)
    assert scripted.calls == []


def test_its_version_stays_as_it_is(training):
    cancel_job(job_id=training.pk)

    assert ModelVersion.objects.get().status == "pending"


def test_a_version_in_use_goes_on_serving_when_its_training_is_cancelled(active_model):
    cancel_job(job_id=ask_training().pk)

    assert ModelVersion.objects.get().status == "active"
    assert Model.objects.get().current_version == ModelVersion.objects.get()


def test_the_version_of_an_update_whose_training_was_cancelled_can_be_trained(active_model):
    version = change_model()
    cancelled = cancel_job(job_id=Job.objects.get().pk)
    record_outcome(claim_job(retry_job(job_id=cancelled.pk).pk), Answered({"model_path": "m"}))

    version.refresh_from_db()
    assert version.status == "active"


def test_cancelling_it_again_changes_nothing(api, training):
    first = api.post(f"/v2/jobs/{training.pk}/cancel", {})
    second = api.post(f"/v2/jobs/{training.pk}/cancel", {})

    assert (second.status, second.content) == (200, first.content)


def test_a_job_that_has_started_is_409_and_goes_on(api, training):
    claimed = claim_job(training.pk)
    answer = api.post(f"/v2/jobs/{training.pk}/cancel", {})

    assert (answer.status, answer.body["code"]) == (409, "job_not_pending")
    record_outcome(claimed, Answered({"model_path": "m"}))
    assert Job.objects.get().status == "success"


def test_a_job_that_waits_for_another_try_has_started(training):
    record_outcome(claim_job(training.pk), Retry({"code": "lambda_throttled", "message": "Wait."}))

    with pytest.raises(JobNotPending):
        cancel_job(job_id=training.pk)


def test_a_job_that_ended_is_409_even_if_its_handler_calls_it_cancelled(api, training):
    path = f"/v2/models/{MODEL}/versions/1/jobs/{training.pk}/complete"
    api.post(path, {"status": "failure", "error": {"code": "cancelled", "message": "By me."}})

    assert api.post(f"/v2/jobs/{training.pk}/cancel", {}).status == 409


def test_a_report_for_a_cancelled_job_is_409(api, training):
    cancel_job(job_id=training.pk)
    path = f"/v2/models/{MODEL}/versions/1/jobs/{training.pk}/complete"

    assert api.post(path, {"status": "success", "output": {}}).status == 409
    assert Job.objects.get().status == "failure"


@pytest.mark.django_db(transaction=True)
def test_of_a_cancellation_and_many_claims_at_once_one_wins(scripted, active_model):
    """Whichever: a job that was cancelled is never called, one that was called not cancelled."""
    for _ in range(10):
        job = ask_inference()
        work = partial(work_through, [str(job.pk)], synchronous=True)
        cancelled, *worked = at_once(partial(cancel_job, job_id=job.pk), work, work, work)
        assert worked == [False, False, False]
        job.refresh_from_db()

        calls = [call.event["job_id"] for call in scripted.calls].count(str(job.pk))
        if isinstance(cancelled, JobNotPending):
            assert (calls, job.status) == (1, "success")
        else:
            assert (calls, job.error) == (0, CANCELLED)


def test_who_cancelled_is_in_the_audit_log_once(training):
    for _ in range(2):
        cancel_job(job_id=training.pk)

    (entry,) = AuditEntry.objects.filter(action="job.cancelled")
    assert (entry.job_id, entry.model_id) == (training.pk, training.model_id)
