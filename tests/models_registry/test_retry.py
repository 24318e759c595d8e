"""retryJob: a failed job is asked for again, as it was."""

from __future__ import annotations

import pytest

from models_registry.handlers import Answered, Failed
from models_registry.models import Job, ModelVersion
from models_registry.observability.audit_log import AuditEntry
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.services.reruns import JobNotFailed, retry_job
from models_registry.services.versions import set_version_status
from tests.contract.operations import NOBODY
from tests.factories import (
    ask_inference,
    ask_training,
    change_model,
    make_active_model,
    make_subscription,
)
from tests.tokens import token

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"
ERROR = {"code": "lambda_function_error", "message": "No luck."}


def _fail(job: Job) -> Job:
    claimed = claim_job(job.pk)
    assert claimed is not None
    record_outcome(claimed, Failed(ERROR))
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def failed_training(model) -> Job:
    return _fail(ask_training(data_path="march.csv"))


@pytest.fixture
def failed_inference(active_model) -> Job:
    return _fail(ask_inference(features=[1]))


def test_a_retry_is_a_new_job_of_the_same_version_type_and_input(failed_inference):
    job = retry_job(job_id=failed_inference.pk)

    assert job.pk != failed_inference.pk
    assert (job.version, job.job_type) == (failed_inference.version, "inference")
    assert (job.status, job.input, job.attempts) == ("pending", {"features": [1]}, 0)
    assert job.retry_of == failed_inference.pk
    assert Job.objects.get(pk=failed_inference.pk).status == "failure"


def test_a_retried_training_moves_its_version_as_training_does(failed_training):
    assert ModelVersion.objects.get().status == "failed"
    job = retry_job(job_id=failed_training.pk)
    assert ModelVersion.objects.get().status == "failed"
    claimed = claim_job(job.pk)
    assert ModelVersion.objects.get().status == "training"

    record_outcome(claimed, Answered({"model_path": "m"}))
    assert ModelVersion.objects.get().status == "active"


@pytest.mark.parametrize("status", ["pending", "started", "success"])
def test_a_job_that_has_not_failed_is_not_retried(active_model, status):
    job = ask_inference()
    if status != "pending":
        claimed = claim_job(job.pk)
        if status == "success":
            record_outcome(claimed, Answered({}))

    with pytest.raises(JobNotFailed):
        retry_job(job_id=job.pk)
    assert Job.objects.count() == 1


def test_inference_on_a_version_that_is_no_longer_active_is_422_as_when_asked_anew(
    api, failed_inference
):
    set_version_status(model_id=MODEL, version="1", status="failed")

    answer = api.post(f"/v2/jobs/{failed_inference.pk}/retry", {})
    assert (answer.status, answer.body["code"]) == (422, "version_not_active")
    assert Job.objects.count() == 1


def test_an_event_that_has_become_too_large_is_422_and_no_fault_of_the_empty_body(
    api, settings, failed_training
):
    settings.LAMBDA_EVENT_LIMIT_BYTES = 10
    answer = api.post(f"/v2/jobs/{failed_training.pk}/retry", {})

    assert (answer.status, answer.body["code"]) == (422, "event_too_large")
    assert [error["path"] for error in answer.body["errors"]] == [""]


def test_a_retry_keeps_the_place_of_its_job_in_a_chain(api, active_model):
    """Else a loop that retries could pass the bound on chains."""
    make_active_model("target")
    subscription = make_subscription(MODEL, "target", trigger_event="inference_complete", input={})
    source = ask_inference()
    record_outcome(claim_job(source.pk), Answered({}))
    failed = _fail(Job.objects.get(triggered_by_id=subscription.pk))

    job = retry_job(job_id=failed.pk)
    assert (job.depth, job.origin) == (1, "triggered")
    assert api.get(f"/v2/jobs/{job.pk}").body["triggered_by"] == {
        "subscription_id": str(subscription.pk),
        "job_id": str(source.pk),
    }


def test_the_retry_of_an_automatic_training_is_none_that_was_started_by_hand(active_model):
    """The input of the next automatic training is that of a training by hand, and stays so."""
    ask_training(data_path="by hand")
    change_model()
    automatic = _fail(Job.objects.get(origin="automatic"))
    Job.objects.filter(pk=automatic.pk).update(input={"data_path": "other"})
    retry_job(job_id=automatic.pk)

    version = change_model()
    assert Job.objects.get(version=version).input == {"data_path": "by hand"}


def test_over_http_it_is_202_with_the_job_and_where_it_is(api, failed_training):
    answer = api.post(f"/v2/jobs/{failed_training.pk}/retry", {})

    assert answer.status == 202
    job_id = answer.body["job_id"]
    assert answer.body == {"job_id": job_id}
    assert answer.headers["Location"] == f"http://testserver/v2/jobs/{job_id}"
    shown = api.get(f"/v2/jobs/{job_id}").body
    assert (shown["retry_of"], shown["input"]) == (
        str(failed_training.pk),
        {"data_path": "march.csv"},
    )
    assert api.get(f"/v2/jobs/{failed_training.pk}").body["retry_of"] is None


def test_the_same_idempotency_key_makes_one_retry(api, failed_training):
    headers = {"Idempotency-Key": "again"}
    path = f"/v2/jobs/{failed_training.pk}/retry"
    first = api.post(path, {}, headers=headers)
    second = api.post(path, {}, headers=headers)

    assert (second.status, second.content) == (202, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 2


def test_a_job_that_has_not_failed_is_409_over_http(api, model):
    answer = api.post(f"/v2/jobs/{ask_training().pk}/retry", {})

    assert (answer.status, answer.body["code"]) == (409, "job_not_failed")


@pytest.mark.parametrize("operation", ["retry", "cancel"])
def test_the_right_that_is_needed_is_that_of_the_jobs_type(api, active_model, operation):
    """ "`run_training`, `run_inference` start jobs." """
    jobs = {"run_training": ask_training(), "run_inference": ask_inference()}
    for scope, job in jobs.items():
        other = next(each for each in jobs if each != scope)
        path = f"/v2/jobs/{job.pk}/{operation}"
        answer = api.post(path, {}, token=token(other))
        assert (answer.status, answer.body["message"]) == (403, f"This needs the scope '{scope}'.")
        assert api.post(path, {}, token=token(scope)).status in (200, 409)


@pytest.mark.parametrize("operation", ["retry", "cancel"])
def test_a_job_that_is_not_there_is_404(api, operation):
    answer = api.post(f"/v2/jobs/{NOBODY}/{operation}", {})

    assert (answer.status, answer.body["code"]) == (404, "job_not_found")


def test_who_retried_is_in_the_audit_log(failed_training):
    job = retry_job(job_id=failed_training.pk)

    (entry,) = AuditEntry.objects.filter(action="job.retried")
    assert (entry.job_id, entry.after["retry_of"]) == (job.pk, str(failed_training.pk))
