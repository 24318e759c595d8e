"""setModelVersionStatus: every pair of statuses, and what becomes of the model."""

from __future__ import annotations

import pytest

from models_registry.models import VERSION_TRANSITIONS, Model, ModelVersion, VersionStatus
from models_registry.services.versions import (
    TransitionForbidden,
    create_version,
    set_version_status,
)

pytestmark = pytest.mark.django_db

# The API page's sentence, written out once more: what the code allows is held against it.
ALLOWED = {
    ("pending", "training"),
    ("pending", "active"),
    ("pending", "failed"),
    ("training", "active"),
    ("training", "failed"),
    ("training", "pending"),
    ("failed", "pending"),
    ("failed", "training"),
    ("active", "failed"),
}


def _set(version: str, status: str):
    return set_version_status(model_id="model_price_reco_v1", version=version, status=status)


def _add(version: str) -> None:
    create_version(model_id="model_price_reco_v1", version=version, description="", metadata={})


@pytest.mark.parametrize("wanted", VersionStatus.values)
@pytest.mark.parametrize("present", VersionStatus.values)
def test_a_version_moves_along_the_pages_arrows_and_no_others(model, present, wanted):
    ModelVersion.objects.update(status=present)

    if present == wanted or (present, wanted) in ALLOWED:
        assert _set("1", wanted).version.status == wanted
    else:
        with pytest.raises(TransitionForbidden):
            _set("1", wanted)
    after = wanted if (present, wanted) in ALLOWED else present
    assert ModelVersion.objects.get().status == after


def test_the_table_of_arrows_is_the_pages():
    assert {(a, b) for a, wanted in VERSION_TRANSITIONS.items() for b in wanted} == ALLOWED


def test_a_model_is_active_from_the_first_time_a_version_is_and_stays_so(model):
    _set("1", "active")
    _set("1", "failed")

    assert Model.objects.get().status == "active"
    assert Model.objects.get().current_version is None


def test_activating_an_older_version_again_is_the_rollback(active_model):
    _add("rc1")
    _set("rc1", "active")
    assert Model.objects.get().current_version.version == "rc1"

    change = _set("1", "active")

    assert Model.objects.get().current_version.version == "1"
    assert change.triggered_events == []


def test_when_the_current_version_fails_the_one_activated_before_it_is_current(active_model):
    _add("rc1")
    _set("rc1", "active")
    _set("rc1", "failed")

    assert Model.objects.get().current_version.version == "1"


def test_the_answer_shows_model_version_and_events(api, model):
    answer = api.post("/v2/models/model_price_reco_v1/versions/1/new_status", {"status": "active"})

    assert answer.status == 200
    assert answer.body["version"]["status"] == answer.body["model"]["status"] == "active"
    assert answer.body["triggered_events"] == []


def test_a_forbidden_transition_is_409(api, active_model):
    answer = api.post("/v2/models/model_price_reco_v1/versions/1/new_status", {"status": "pending"})

    assert (answer.status, answer.body["code"]) == (409, "transition_forbidden")


def test_an_unknown_status_is_400(api, model):
    answer = api.post("/v2/models/model_price_reco_v1/versions/1/new_status", {"status": "retired"})

    assert answer.status == 400
    assert answer.body["errors"][0]["path"] == "/status"
