"""createModelVersion: `POST /v2/models/{model_id}/new_version`, rule by rule of the API page."""

from __future__ import annotations

import pytest

from models_registry.models import Job, ModelVersion
from tests.examples import CREATE_MODEL, MODEL_ID, UPDATE_MODEL
from tests.factories import change_model, make_model

pytestmark = pytest.mark.django_db

PATH = f"/v2/models/{MODEL_ID}"
BODY = {"version": "spring", "description": "By hand", "metadata": {"by": "hand"}}


def test_a_version_by_hand_is_pending_and_nothing_is_dispatched(api, active_model):
    answer = api.post(f"{PATH}/new_version", BODY)

    assert answer.status == 201
    assert answer.body == {
        "version": {**BODY, "status": "pending"},
        "model": {**CREATE_MODEL, "handler_contracts": None, "status": "active"},
    }
    assert answer.headers["Location"] == f"http://testserver{PATH}/versions/spring"
    assert not Job.objects.exists()


def test_it_freezes_the_models_present_handlers_and_contracts(api, model):
    change_model()
    api.post(f"{PATH}/new_version", BODY)

    found = api.get(f"{PATH}/versions/spring").body
    assert found["handlers"] == UPDATE_MODEL["handlers"]
    assert found["handler_contracts"] == UPDATE_MODEL["handler_contracts"]
    assert found["activated_at"] is None


def test_it_is_the_newest_version_then_and_not_the_one_in_use(api, active_model):
    api.post(f"{PATH}/new_version", BODY)

    assert api.get(PATH).body["version"] == {**BODY, "status": "pending"}
    active_model.refresh_from_db()
    assert active_model.current_version.version == "1"


@pytest.mark.parametrize("name", ["1", "2"])
def test_a_name_that_is_taken_is_409_and_changes_nothing(api, active_model, name):
    """Whether the version was made by hand or by an update."""
    change_model()
    answer = api.post(f"{PATH}/new_version", {**BODY, "version": name})

    assert (answer.status, answer.body["code"]) == (409, "version_taken")
    assert ModelVersion.objects.count() == 2


def test_versions_of_different_models_may_bear_one_name(api, db):
    for model_id in ("a", "b"):
        make_model(model_id)
        assert api.post(f"/v2/models/{model_id}/new_version", BODY).status == 201


def test_a_version_of_an_unknown_model_is_404(api):
    answer = api.post("/v2/models/nobody/new_version", BODY)

    assert (answer.status, answer.body["code"]) == (404, "model_not_found")
