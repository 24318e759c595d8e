"""Idempotency-Key over HTTP, on every operation that creates something or starts work."""

from __future__ import annotations

from typing import Any

import pytest

from models_registry.api import idempotency
from models_registry.contracts import fingerprint
from models_registry.models import IdempotencyRecord, Job, Model, ModelVersion
from models_registry.services.idempotency import KeyInFlight
from subscriptions.models import EventSubscription
from tests.examples import CREATE_MODEL, MODEL_ID, UPDATE_MODEL, subscribe
from tests.tokens import token

pytestmark = pytest.mark.django_db

PATH = f"/v2/models/{MODEL_ID}"
KEY = {"Idempotency-Key": "0b5ff0c6-9b0d"}
VERSION = {"version": "spring", "description": "", "metadata": {}}
# operationId: method, path, body, and the same body with another meaning.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "createModel": ("POST", "/v2/models", {**CREATE_MODEL, "id": "new"}, {"name": "Another"}),
    "updateModel": ("PUT", PATH, UPDATE_MODEL, {"name": "Another"}),
    "createModelVersion": ("POST", f"{PATH}/new_version", VERSION, {"version": "autumn"}),
    "trainModelVersion": ("POST", f"{PATH}/versions/1/training", {}, {"input": {"a": 1}}),
    "inferModelVersion": (
        "POST",
        f"{PATH}/versions/1/inference",
        {"input": {"a": 1}},
        {"input": {"a": 2}},
    ),
    "createModelEventSubscription": (
        "POST",
        f"{PATH}/event-subscriptions",
        subscribe(target_model_id=MODEL_ID),
        {"label": "another"},
    ),
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS)


def _rows() -> list[int]:
    kinds = (Model, ModelVersion, Job, EventSubscription)
    return [kind.objects.count() for kind in kinds]


@each_operation
def test_the_first_answer_is_replayed_byte_for_byte_and_nothing_is_done_again(
    api, active_model, operation
):
    method, path, body, _ = OPERATIONS[operation]
    first = api.send(method, path, body, headers=KEY)
    after = _rows()
    again = api.send(method, path, body, headers=KEY)

    assert first.status in (200, 201, 202)
    assert (again.status, again.content) == (first.status, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)
    assert _rows() == after


@each_operation
def test_the_same_key_with_another_body_is_422_and_has_no_effect(api, active_model, operation):
    method, path, body, changed = OPERATIONS[operation]
    api.send(method, path, body, headers=KEY)
    after = _rows()
    answer = api.send(method, path, {**body, **changed}, headers=KEY)

    assert (answer.status, answer.body["code"]) == (422, "idempotency_key_reused")
    assert _rows() == after


@each_operation
def test_the_same_key_of_another_caller_is_another_key(api, active_model, operation):
    method, path, body, _ = OPERATIONS[operation]
    api.send(method, path, body, headers=KEY)
    answer = api.send(method, path, body, headers=KEY, token=token("admin", sub="somebody else"))

    assert "Idempotent-Replayed" not in answer.headers


@each_operation
def test_a_replay_needs_the_rights_of_the_request(api, active_model, operation):
    """A key is no way past the scope that the operation needs."""
    method, path, body, _ = OPERATIONS[operation]
    api.send(method, path, body, headers=KEY)

    assert api.send(method, path, body, headers=KEY, token=token("read_models")).status == 403


@each_operation
def test_a_key_whose_first_request_still_runs_is_409(api, active_model, monkeypatch, operation):
    method, path, body, _ = OPERATIONS[operation]

    def run_already(**_: Any) -> None:
        raise KeyInFlight

    monkeypatch.setattr(idempotency, "answer_once", run_already)
    answer = api.send(method, path, body, headers=KEY)

    assert (answer.status, answer.body["code"]) == (409, "idempotency_key_in_flight")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "schlüssel".encode().decode("latin1")])
def test_a_key_that_can_be_none_is_400(api, active_model, key):
    answer = api.put(PATH, UPDATE_MODEL, headers={"Idempotency-Key": key})

    assert (answer.status, answer.body["code"]) == (400, "invalid_idempotency_key")


def test_one_and_one_point_zero_are_one_request(api, active_model):
    """As in a release before: a record of 24 hours outlives an upgrade."""
    path, key = f"{PATH}/versions/1/inference", KEY
    first = api.post(path, {"input": {"price": 7.0, "n": 1}}, headers=key)
    again = api.post(path, {"input": {"n": 1.0, "price": 7}}, headers=key)

    assert (again.status, again.content) == (202, first.content)
    digest = IdempotencyRecord.objects.get().digest
    assert digest == fingerprint(["POST", path, {"input": {"price": 7, "n": 1}}])
