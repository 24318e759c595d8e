"""createModel: `POST /v2/models`, rule by rule of the API page."""

from __future__ import annotations

from uuid import UUID

import pytest

from models_registry.models import Job, Model, ModelVersion
from tests.examples import CREATE_MODEL, MODEL_ID

TRAINER = CREATE_MODEL["handlers"]["training"]["arn"]

pytestmark = pytest.mark.django_db

WITHOUT_ID = {name: value for name, value in CREATE_MODEL.items() if name != "id"}


def test_a_new_model_is_pending_with_a_pending_version_1_and_nothing_is_dispatched(api):
    answer = api.post("/v2/models", CREATE_MODEL)

    assert answer.status == 201
    assert answer.body == {
        "version": {
            "version": "1",
            "description": CREATE_MODEL["description"],
            "metadata": CREATE_MODEL["metadata"],
            "status": "pending",
        },
        "model": {**CREATE_MODEL, "handler_contracts": None, "status": "pending"},
    }
    assert not Job.objects.exists()


def test_the_answer_says_where_the_model_is_and_in_which_state(api):
    answer = api.post("/v2/models", CREATE_MODEL)

    assert answer.headers["Location"] == f"http://testserver/v2/models/{MODEL_ID}"
    found = api.get(f"/v2/models/{MODEL_ID}")
    assert found.headers["ETag"] == answer.headers["ETag"]
    assert found.body == answer.body


def test_without_an_id_a_model_gets_a_uuid_of_version_7(api):
    """ "`id`? (else a UUIDv7)" """
    made = api.post("/v2/models", WITHOUT_ID).body["model"]["id"]

    assert UUID(made).version == 7
    assert api.get(f"/v2/models/{made}").status == 200


def test_an_id_that_is_taken_is_409_and_changes_nothing(api, active_model):
    """ "409 conflict with the present state (id taken ...)" """
    answer = api.post("/v2/models", {**CREATE_MODEL, "name": "Another"})

    assert (answer.status, answer.body["code"]) == (409, "model_id_taken")
    assert Model.objects.get().name == CREATE_MODEL["name"]
    assert ModelVersion.objects.count() == 1


def test_a_handler_type_that_does_not_run_yet_is_400(api):
    """ "A type that the service can't run yet is not part of its document and is 400." """
    for kind, value in (("ecs_task", "cluster/family:1"), ("in_process", "name")):
        handlers = {**CREATE_MODEL["handlers"], "training": {"type": kind, "value": value}}
        answer = api.post("/v2/models", {**CREATE_MODEL, "handlers": handlers})

        assert answer.status == 400
        assert [error["path"] for error in answer.body["errors"]] == ["/handlers/training/type"]


def test_an_arn_and_a_version_that_disagree_are_422(api):
    """ "`version` and an ARN qualifier that disagree are 422": for either handler, both told."""
    arn = "arn:aws:lambda:us-west-2:123456789012:function:train"
    handlers = {
        "training": {"type": "lambda", "arn": f"{arn}:live", "version": "2"},
        "inference": {"type": "lambda", "arn": f"{arn}:2", "version": "$LATEST"},
    }
    answer = api.post("/v2/models", {**CREATE_MODEL, "handlers": handlers})

    assert (answer.status, answer.body["code"]) == (422, "definition_refused")
    assert [error["path"] for error in answer.body["errors"]] == [
        "/handlers/training/version",
        "/handlers/inference/version",
    ]
    agreed = {"type": "lambda", "arn": f"{arn}:live", "version": "live"}
    handlers = {"training": agreed, "inference": agreed}
    assert api.post("/v2/models", {**CREATE_MODEL, "handlers": handlers}).status == 201


@pytest.mark.parametrize(
    ("handler", "paths"),
    [
        ({"type": "lambda", "arn": "bad", "arn/x": 1}, ["arn~1x", "arn"]),
        ({"type": "lambda", "arn": TRAINER, "a": 1, "a/b": 2}, ["a", "a~1b"]),
        ({"type": "lambda", "arn": TRAINER, "non_field_errors": 1, "~": 2},
         ["non_field_errors", "~0"]),
    ],
)  # fmt: skip
def test_each_unknown_key_of_a_handler_is_pointed_to_whatever_its_name(api, handler, paths):
    answer = api.post(
        "/v2/models",
        {**CREATE_MODEL, "handlers": {"training": handler, "inference": handler}},
    )

    assert answer.status == 400
    told = [error["path"] for error in answer.body["errors"]]
    assert told == [
        f"/handlers/{action}/{path}" for action in ("training", "inference") for path in paths
    ]
