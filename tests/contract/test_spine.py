"""From PUT to a trained version: nothing is mocked but AWS, which is the local endpoint."""

from __future__ import annotations

import pytest

from tests.api_client import Api
from tests.examples import CREATE_MODEL, INFER, MODEL_ID, UPDATE_MODEL, UPDATE_MODEL_RESPONSE
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("local_lambda")]

MODEL = f"/v2/models/{MODEL_ID}"


def _trained(api: Api, version: str) -> None:
    """Wait until the training function has called back."""
    eventually(lambda: api.get(f"{MODEL}/versions/{version}").body["status"] == "active")


def test_an_update_of_an_active_model_is_trained_and_then_in_use(api, run_due_jobs):
    """API page, "Updating a model" and "Statuses", with the contract's own examples."""
    assert api.post("/v2/models", CREATE_MODEL).status == 201
    assert api.post(f"{MODEL}/versions/1/training", {}).status == 202
    assert run_due_jobs() == 1
    _trained(api, "1")

    same = {name: value for name, value in CREATE_MODEL.items() if name != "id"}
    answer = api.put(MODEL, same)
    assert (answer.status, answer.body) == (200, UPDATE_MODEL_RESPONSE)

    assert run_due_jobs() == 1
    _trained(api, "2")
    shown = api.get(MODEL).body
    assert shown["version"]["status"] == "active"
    assert shown["model"]["status"] == "active"


def test_what_an_inference_function_returns_is_the_output(api, run_due_jobs):
    api.post("/v2/models", CREATE_MODEL)
    api.post(f"{MODEL}/versions/1/training", {})
    run_due_jobs()
    _trained(api, "1")

    accepted = api.post(f"{MODEL}/versions/1/inference", INFER)
    assert accepted.status == 202
    assert run_due_jobs() == 1

    job = api.get(f"/v2/jobs/{accepted.body['inference_job_id']}").body
    assert (job["status"], job["error"], job["attempts"]) == ("success", None, 1)
    assert job["input"] == INFER["input"]
    assert isinstance(job["output"], dict)


def test_the_example_update_with_contracts_trains_and_infers(api, run_due_jobs):
    api.post("/v2/models", CREATE_MODEL)
    api.post(f"{MODEL}/versions/1/training", {})
    run_due_jobs()
    _trained(api, "1")
    assert api.put(MODEL, UPDATE_MODEL).body["version"]["version"] == "2"
    assert run_due_jobs() == 1
    _trained(api, "2")

    body = {"input": {"features": [0.2, 337.4]}}
    accepted = api.post(f"{MODEL}/versions/2/inference", body)
    assert run_due_jobs() == 1

    job = api.get(accepted.headers["Location"].partition("testserver")[2]).body
    assert (job["status"], job["warnings"]) == ("success", [])
    assert len(job["output"]["predictions"]) == 2
