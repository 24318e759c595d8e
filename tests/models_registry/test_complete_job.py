"""completeModelJob: ends a job once, whoever reports and however often."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from models_registry.handlers.callbacks import make_callback_token
from models_registry.models import Job, Model, ModelVersion
from models_registry.queue.claim import claim_job
from models_registry.services.completion import complete_job
from models_registry.services.jobs import request_inference, request_training
from tests.examples import UPDATE_MODEL
from tests.tokens import token

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"


def _path(job: Job) -> str:
    return f"/v2/models/{MODEL}/versions/{job.version.version}/jobs/{job.pk}/complete"


@pytest.fixture
def training(model: Model) -> Job:
    return request_training(model_id=MODEL, version="1", input={})


@pytest.fixture
def inference(active_model: Model) -> Job:
    return request_inference(model_id=MODEL, version="1", input={"features": [1]})


def test_a_successful_training_activates_its_version_and_its_model(api, training):
    claim_job(training.pk)
    answer = api.post(_path(training), {"status": "success", "output": {"model_path": "m"}})

    assert answer.status == 200
    assert answer.body == {
        "job_id": str(training.pk),
        "model_id": MODEL,
        "model_version": "1",
        "status": "success",
        "triggered_events": [],
    }
    version = ModelVersion.objects.get()
    assert (version.status, version.activations) == ("active", 1)
    model = Model.objects.get()
    assert (model.status, model.current_version) == ("active", version)


def test_a_failed_training_fails_its_version(api, training):
    claim_job(training.pk)
    error = {"code": "no_data", "message": "The bucket is empty."}
    api.post(_path(training), {"status": "failure", "error": error})

    assert ModelVersion.objects.get().status == "failed"
    assert api.get(f"/v2/jobs/{training.pk}").body["error"] == error


def test_with_manual_activation_a_trained_version_waits_for_approval(settings, training):
    settings.ACTIVATION = "manual"
    claim_job(training.pk)
    _complete(training)

    assert ModelVersion.objects.get().status == "training"
    assert Model.objects.get().status == "pending"


def test_a_version_withdrawn_while_it_trained_stays_withdrawn(training):
    ModelVersion.objects.update(status="failed")
    job = _complete(training)

    assert ModelVersion.objects.get().status == "failed"
    assert "did not activate" in Job.objects.get(pk=job.pk).warnings[0]


def test_a_callback_that_comes_before_the_claim_counts(training):
    """F8: a fast handler may report before its dispatch is recorded."""
    job = _complete(training)

    assert (job.status, job.started_at is not None) == ("success", True)
    assert claim_job(training.pk) is None
    assert Job.objects.get().status == "success"


def test_completing_a_job_twice_returns_the_first_answer(api, inference):
    body = {"status": "success", "output": {"predictions": [1]}}
    first = api.post(_path(inference), body)
    second = api.post(_path(inference), body)

    assert (second.status, second.content) == (200, first.content)


@pytest.mark.parametrize(
    "other",
    [
        {"status": "failure"},
        {"status": "success", "output": {"predictions": [2]}},
        {"status": "success"},
    ],
)
def test_a_contradicting_completion_is_409_and_changes_nothing(api, inference, other):
    api.post(_path(inference), {"status": "success", "output": {"predictions": [1]}})
    answer = api.post(_path(inference), other)

    assert (answer.status, answer.body["code"]) == (409, "job_already_finished")
    assert Job.objects.get().output == {"predictions": [1]}


def test_output_that_does_not_fit_the_contract_is_kept_with_warnings(api, active_model):
    """ "Mismatch is logged and kept in the job's warnings, and never fails the completion." """
    api.put(f"/v2/models/{MODEL}", UPDATE_MODEL)
    api.post(f"/v2/models/{MODEL}/versions/2/new_status", {"status": "active"})
    job = request_inference(model_id=MODEL, version="2", input={"features": []})
    answer = api.post(_path(job), {"status": "success", "output": {"predictions": "none"}})

    assert answer.status == 200
    (warning,) = api.get(f"/v2/jobs/{job.pk}").body["warnings"]
    assert warning.startswith("output/predictions: ")


def test_the_callback_token_is_good_for_its_own_job_and_nothing_else(api, inference):
    """ "A signed token good for that one job." (H19)"""
    other = request_inference(model_id=MODEL, version="1", input={})
    own = make_callback_token(inference.pk)

    assert api.post(_path(other), {"status": "success"}, token=own).status == 403
    assert api.get(f"/v2/jobs/{inference.pk}", token=own).status == 403
    assert api.post(_path(inference), {"status": "success"}, token=own).status == 200


def test_completing_by_bearer_needs_its_scope(api, inference):
    starter = token("run_inference run_training manage_models")

    assert api.post(_path(inference), {"status": "success"}, token=starter).status == 403
    by_scope = token("complete_jobs")
    assert api.post(_path(inference), {"status": "success"}, token=by_scope).status == 200


def test_every_part_of_the_path_must_be_the_jobs_own(api, inference):
    """H18: a job is not reached through another model or version."""
    body = {"status": "success"}
    for path in (
        f"/v2/models/other/versions/1/jobs/{inference.pk}/complete",
        f"/v2/models/{MODEL}/versions/2/jobs/{inference.pk}/complete",
    ):
        assert api.post(path, body).status == 404
    assert Job.objects.get().status == "pending"


@pytest.mark.django_db(transaction=True)
def test_of_many_completions_at_once_one_counts_and_all_get_its_answer(training):
    """F7."""
    claim_job(training.pk)
    answers: list[Job] = []

    def work() -> None:
        try:
            answers.append(_complete(training))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert [job.status for job in answers] == ["success"] * 10
    assert ModelVersion.objects.get().activations == 1


def _complete(job: Job) -> Job:
    return complete_job(
        model_id=MODEL,
        version="1",
        job_id=job.pk,
        status="success",
        output={"model_path": "m"},
        error=None,
    )
