"""trainModelVersion and inferModelVersion: what is recorded, and what is refused before that."""

from __future__ import annotations

import pytest

from models_registry.models import Job, ModelVersion
from models_registry.services.versions import set_version_status
from tests.examples import MODEL_ID
from tests.factories import change_model, make_active_model

pytestmark = pytest.mark.django_db

PATH = f"/v2/models/{MODEL_ID}/versions"
CONTRACTS = {
    "training": {"input_schema": {"properties": {"data_path": {"type": "string"}}}},
    "inference": {
        "input_schema": {
            "required": ["route"],
            "properties": {
                "features": {"type": "array", "items": {"type": "number"}},
                "route": {"type": "string"},
            },
        }
    },
}
KIB = 1024


@pytest.fixture
def bound_model(db):
    """The example model, active, with a contract for each action's input."""
    return make_active_model(handler_contracts=CONTRACTS)


@pytest.mark.parametrize("action", ["training", "inference"])
def test_work_that_is_asked_for_is_a_pending_job_and_the_answer_says_where(
    api, active_model, action
):
    answer = api.post(f"{PATH}/1/{action}", {"input": {"a": 1}})

    job = Job.objects.get()
    assert answer.status == 202
    assert answer.body == {f"{action}_job_id": str(job.pk)}
    assert answer.headers["Location"] == f"http://testserver{PATH}/1/jobs/{job.pk}"
    found = api.get(answer.headers["Location"].removeprefix("http://testserver")).body
    assert (found["job_type"], found["status"], found["input"]) == (action, "pending", {"a": 1})
    assert (found["attempts"], found["started_at"], found["triggered_by"]) == (0, None, None)


def test_training_needs_no_input(api, active_model):
    api.post(f"{PATH}/1/training", {})

    assert Job.objects.get().input == {}


def test_inference_needs_an_input(api, active_model):
    answer = api.post(f"{PATH}/1/inference", {})

    assert answer.status == 400
    assert [error["path"] for error in answer.body["errors"]] == ["/input"]


@pytest.mark.parametrize("status", ["pending", "training", "failed", "active"])
def test_a_version_of_any_status_may_be_trained_and_only_an_active_one_infers(api, model, status):
    """ "Work for an inactive version is 422": inference, since training is what activates it."""
    set_version_status(model_id=MODEL_ID, version="1", status=status)
    answer = api.post(f"{PATH}/1/inference", {"input": {}})

    if status == "active":
        assert answer.status == 202
    else:
        assert (answer.status, answer.body["code"]) == (422, "version_not_active")
        assert not Job.objects.exists()
    assert api.post(f"{PATH}/1/training", {}).status == 202
    # Dispatching moves it to training; asking does not.
    assert ModelVersion.objects.get().status == status


def test_an_older_version_that_is_active_still_infers(api, active_model):
    set_version_status(model_id=MODEL_ID, version=change_model().version, status="active")

    assert api.post(f"{PATH}/1/inference", {"input": {}}).status == 202


def test_an_inference_input_that_breaks_the_contract_is_422_with_every_fault(api, bound_model):
    """ "Checked ... before anything is recorded; mismatch is 422 with all faults." """
    body = {"input": {"features": ["a", 1, None]}, "subscribe": True}
    answer = api.post(f"{PATH}/1/inference", body)

    assert (answer.status, answer.body["code"]) == (422, "contract_violated")
    assert [error["path"] for error in answer.body["errors"]] == [
        "/input",
        "/input/features/0",
        "/input/features/2",
    ]
    assert not Job.objects.exists()
    assert api.get(f"/v2/models/{MODEL_ID}/event-subscriptions").body == []


def test_a_hundred_faults_are_shown_and_that_there_are_more_is_said(api, bound_model):
    for count, more in ((100, []), (101, [""])):
        body = {"input": {"route": "r", "features": ["a"] * count}}
        errors = api.post(f"{PATH}/1/inference", body).body["errors"]

        assert [error["path"] for error in errors] == [
            *(f"/input/features/{index}" for index in range(100)),
            *more,
        ]
    assert errors[-1]["message"] == "And more."


def test_the_contract_that_counts_is_the_one_frozen_in_the_version(api, bound_model):
    change_model(handler_contracts=None)

    assert api.post(f"{PATH}/1/inference", {"input": {}}).status == 422


def test_a_training_input_that_breaks_the_contract_is_recorded_with_warnings(api, bound_model):
    assert api.post(f"{PATH}/1/training", {"input": {"data_path": 1}}).status == 202

    (warning,) = Job.objects.get().warnings
    assert warning.startswith("input/data_path: type: ")


@pytest.mark.parametrize(
    ("action", "fits", "too_large"),
    [("training", 897, 900), ("inference", 6077, 6080)],
)
def test_an_event_over_the_limit_of_its_invocation_type_is_422_and_no_job(
    api, active_model, action, fits, too_large
):
    """F10: the event is measured "before the job is made ... never a job that can only fail"."""
    body = {"input": {"a": "x" * too_large * KIB}}
    answer = api.post(f"{PATH}/1/{action}", body)

    assert (answer.status, answer.body["code"]) == (422, "event_too_large")
    assert [error["path"] for error in answer.body["errors"]] == ["/input"]
    assert not Job.objects.exists()
    assert api.post(f"{PATH}/1/{action}", {"input": {"a": "x" * fits * KIB}}).status == 202


def test_an_update_whose_training_would_be_over_the_limit_is_422_and_changes_nothing(
    api, active_model
):
    """The input is an earlier one; what of the update is at fault is its metadata."""
    api.post(f"{PATH}/1/training", {"input": {"a": "x" * 500 * KIB}})
    before = api.get(f"/v2/models/{MODEL_ID}").body
    body = {name: before["model"][name] for name in ("name", "description", "handlers")}
    answer = api.put(f"/v2/models/{MODEL_ID}", {**body, "metadata": {"a": "x" * 500 * KIB}})

    assert (answer.status, answer.body["code"]) == (422, "event_too_large")
    assert [error["path"] for error in answer.body["errors"]] == ["/metadata"]
    assert api.get(f"/v2/models/{MODEL_ID}").body == before
    assert Job.objects.count() == 1


@pytest.mark.parametrize("action", ["training", "inference"])
def test_work_for_what_is_not_there_is_404(api, active_model, action):
    for path, code in ((f"{PATH}/9", "version_not_found"), ("/v2/models/x/versions/1", None)):
        answer = api.post(f"{path}/{action}", {"input": {}})

        assert answer.status == 404
        assert code in (None, answer.body["code"])
