"""updateModel: `PUT /v2/models/{model_id}`, rule by rule of the API page."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.db.models import F

from models_registry.models import Job, Model, ModelVersion
from models_registry.services import models
from models_registry.services.definitions import check_definition
from models_registry.services.jobs import request_training
from models_registry.services.models import update_model
from models_registry.services.versions import create_version
from tests.examples import CREATE_MODEL, UPDATE_MODEL

pytestmark = pytest.mark.django_db

PATH = "/v2/models/model_price_reco_v1"


def _update(model: Model, **changes):
    values = {**UPDATE_MODEL, **changes}
    definition = check_definition(
        handlers=values.pop("handlers"), handler_contracts=values.pop("handler_contracts")
    )
    return update_model(model_id=model.pk, definition=definition, **values)


def test_updating_an_active_model_makes_a_pending_version_with_the_requests_values(
    api, active_model
):
    """ "The model row takes the new values at once and a new version is made, status pending." """
    answer = api.put(PATH, UPDATE_MODEL)

    assert answer.status == 200
    assert answer.body == {
        "version": {
            "version": "2",
            "description": UPDATE_MODEL["description"],
            "metadata": UPDATE_MODEL["metadata"],
            "status": "pending",
        },
        "model": {
            "id": "model_price_reco_v1",
            "name": UPDATE_MODEL["name"],
            "description": UPDATE_MODEL["description"],
            "handlers": UPDATE_MODEL["handlers"],
            "handler_contracts": UPDATE_MODEL["handler_contracts"],
            "metadata": UPDATE_MODEL["metadata"],
            "status": "active",
        },
    }


def test_the_training_job_of_a_new_version_is_a_row_written_with_it(active_model):
    """ "A training job for it is recorded in the same transaction." """
    _, version = _update(active_model)

    job = Job.objects.get(version=version)
    assert (job.job_type, job.status, job.input) == ("training", "pending", {})


def test_a_version_freezes_handlers_and_contracts_as_they_were(api, active_model):
    api.put(PATH, UPDATE_MODEL)
    api.put(PATH, {**UPDATE_MODEL, "handler_contracts": None})

    frozen = api.get(f"{PATH}/versions/2").body
    assert frozen["handler_contracts"] == UPDATE_MODEL["handler_contracts"]
    assert frozen["handlers"] == UPDATE_MODEL["handlers"]


def test_an_absent_contract_is_none(api, active_model):
    api.put(PATH, UPDATE_MODEL)
    body = {key: value for key, value in UPDATE_MODEL.items() if key != "handler_contracts"}

    assert api.put(PATH, body).body["model"]["handler_contracts"] is None


def test_an_identical_put_on_an_active_model_still_makes_a_version(api, active_model):
    api.put(PATH, UPDATE_MODEL)

    assert api.put(PATH, UPDATE_MODEL).body["version"]["version"] == "3"


def test_a_pending_model_is_changed_in_place_and_nothing_is_dispatched(api, model):
    answer = api.put(PATH, UPDATE_MODEL)

    assert answer.body["version"]["version"] == "1"
    assert answer.body["version"]["description"] == UPDATE_MODEL["description"]
    assert answer.body["model"]["status"] == "pending"
    assert ModelVersion.objects.get().handlers == UPDATE_MODEL["handlers"]
    assert not Job.objects.exists()


def test_automatic_versions_skip_strings_taken_by_hand(active_model):
    for taken in ("2", "3", "rc1"):
        create_version(model_id=active_model.pk, version=taken, description="", metadata={})

    assert _update(active_model)[1].version == "4"
    assert _update(active_model)[1].version == "5"


def test_the_automatic_training_gets_the_input_of_the_latest_training_by_hand(active_model):
    for epochs in (1, 2):
        request_training(model_id=active_model.pk, version="1", input={"epochs": epochs})

    _, version = _update(active_model)

    assert Job.objects.get(version=version).input == {"epochs": 2}


def test_an_automatic_input_that_does_not_fit_the_new_contract_only_warns(active_model):
    """ "Checked against the frozen training input_schema with warnings only." """
    request_training(model_id=active_model.pk, version="1", input={"data_path": 7})

    _, version = _update(active_model)

    (warning,) = Job.objects.get(version=version).warnings
    assert warning.startswith("input/data_path: ")


def test_an_update_of_an_unknown_model_is_404(api):
    answer = api.put("/v2/models/nobody", UPDATE_MODEL)

    assert (answer.status, answer.body["code"]) == (404, "model_not_found")


def test_all_faults_are_reported_at_once_with_their_pointers(api, active_model):
    body = {
        "name": 5,
        "handlers": {"training": {"type": "lambda"}, "inference": {"type": "ecs_task"}},
        "metadata": [],
        "status": "active",
    }
    answer = api.put(PATH, body)

    assert answer.status == 400
    assert {error["path"] for error in answer.body["errors"]} == {
        "/name",
        "/description",
        "/handlers/training/arn",
        "/handlers/inference/type",
        "/metadata",
        "/status",
    }
    assert ModelVersion.objects.count() == 1


def test_a_refused_contract_is_422_with_the_pointer_to_the_fault(api, active_model):
    contracts = {"training": {"input_schema": {"properties": {"a": {"type": "text"}}}}}
    answer = api.put(PATH, {**UPDATE_MODEL, "handler_contracts": contracts})

    assert answer.status == 422
    paths = [error["path"] for error in answer.body["errors"]]
    assert paths == ["/handler_contracts/training/input_schema/properties/a/type"]
    assert ModelVersion.objects.count() == 1


def test_a_contract_that_is_not_an_object_is_400(api, active_model):
    contracts = {"training": {"input_schema": True}}
    answer = api.put(PATH, {**UPDATE_MODEL, "handler_contracts": contracts})

    assert answer.status == 400
    assert answer.body["errors"][0]["path"] == "/handler_contracts/training/input_schema"


def test_a_stale_if_match_is_412_and_changes_nothing(api, active_model):
    etag = api.get(PATH).headers["ETag"]
    assert api.put(PATH, UPDATE_MODEL, headers={"If-Match": etag}).status == 200

    assert api.put(PATH, UPDATE_MODEL, headers={"If-Match": etag}).status == 412
    assert ModelVersion.objects.count() == 2


def test_an_unchanged_model_is_304(api, active_model):
    etag = api.get(PATH).headers["ETag"]

    assert api.get(PATH, headers={"If-None-Match": etag}).status == 304


def test_the_etag_changes_with_the_status_of_the_newest_version(api, active_model):
    etag = api.put(PATH, UPDATE_MODEL).headers["ETag"]
    api.post(f"{PATH}/versions/2/new_status", {"status": "training"})

    assert api.get(PATH).headers["ETag"] != etag


def test_the_same_key_and_body_replays_the_first_answer_byte_for_byte(api, active_model):
    headers = {"Idempotency-Key": "once"}
    first = api.put(PATH, UPDATE_MODEL, headers=headers)
    second = api.put(PATH, UPDATE_MODEL, headers=headers)

    assert second.content == first.content
    assert second.headers["ETag"] == first.headers["ETag"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert ModelVersion.objects.count() == 2


def test_the_same_key_with_another_body_is_422(api, active_model):
    headers = {"Idempotency-Key": "once"}
    api.put(PATH, UPDATE_MODEL, headers=headers)
    answer = api.put(PATH, {**UPDATE_MODEL, "name": "other"}, headers=headers)

    assert (answer.status, answer.body["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_key_free(api, active_model):
    headers = {"Idempotency-Key": "once"}
    etag = {"If-Match": '"0-0-0"'}
    assert api.put(PATH, UPDATE_MODEL, headers={**headers, **etag}).status == 412

    assert api.put(PATH, UPDATE_MODEL, headers=headers).status == 200


def test_creating_a_model_with_the_contracts_example(api):
    answer = api.post("/v2/models", CREATE_MODEL)

    assert answer.status == 201
    assert answer.headers["Location"].endswith(PATH)
    assert answer.body["model"] == {
        **CREATE_MODEL,
        "handler_contracts": None,
        "status": "pending",
    }
    assert answer.body["version"]["version"] == "1"


@pytest.mark.django_db(transaction=True)
def test_fifty_updates_at_once_lose_nothing_and_leave_no_gap(active_model):
    """F14: "Concurrent PUTs on one model give distinct, gap-free version numbers." """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                _update(active_model)
        except BaseException as error:  # shown by the assertion
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert failures == []
    versions = ModelVersion.objects.exclude(version="1").order_by("number")
    assert [version.version for version in versions] == [str(n) for n in range(2, 52)]
    assert Job.objects.filter(job_type="training", origin="automatic").count() == 50


def test_a_change_in_place_counts_on_from_what_a_worker_counted_meanwhile(api, model, monkeypatch):
    """Else one ETag would stand for two states."""
    newest_version = models.newest_version

    def read_too_early(model: Model) -> ModelVersion:
        found = newest_version(model)
        ModelVersion.objects.update(revision=F("revision") + 1)
        return found

    monkeypatch.setattr(models, "newest_version", read_too_early)
    before = ModelVersion.objects.get().revision
    assert api.put(PATH, UPDATE_MODEL).status == 200
    assert ModelVersion.objects.get().revision == before + 2
