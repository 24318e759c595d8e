"""H18 and H31 of the catalogue, and the API page's 'Who may do what'."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIRequestFactory, force_authenticate

from tests.config.probe import Probe, call
from tests.tokens import ABSENT, token, token_of

JOB_ID = "0198c6f2-7f2e-7aa1-8d6e-0f0a6b3c9d10"


@pytest.mark.parametrize(
    ("made", "read", "write", "complete"),
    [
        (lambda: token("read_models"), 200, 403, 403),
        (lambda: token("manage_models"), 403, 200, 403),
        (lambda: token("read_models manage_models"), 200, 200, 403),
        (lambda: token("complete_jobs"), 403, 403, 200),
        (lambda: token("admin"), 200, 200, 200),
        (lambda: token(""), 403, 403, 403),
        (lambda: token_of({"scope": ABSENT}), 403, 403, 403),
        (lambda: token("admin", human=True), 200, 403, 403),
        (lambda: token("manage_models", human=True), 200, 403, 403),
        (lambda: token("", human=True, groups=["admin"]), 200, 200, 200),
        (lambda: token("", groups=["admin"]), 200, 200, 200),
        (lambda: token("admin", groups=["analysts"]), 200, 403, 403),
        (lambda: token("admin", groups=["administrators", "Admin"]), 200, 403, 403),
        (lambda: token_of({"cognito:username": "ada"}), 200, 403, 403),
        (lambda: token_of({"scope": "manage_models admin"}), 403, 403, 403),
        (lambda: token_of({"scope": "other/admin streamline/admin2"}), 403, 403, 403),
        (lambda: token_of({"scope": "streamline/streamline/admin"}), 403, 403, 403),
        (lambda: token_of({"scope": " streamline/read_models  x "}), 200, 403, 403),
        (lambda: token_of({"scope": "streamline/ADMIN\tstreamline/admin"}), 403, 403, 403),
    ],
)  # fmt: skip
def test_who_may_do_what(made: Callable[[], str], read: int, write: int, complete: int) -> None:
    """API page, 'Who may do what'."""
    held = made()
    assert call("read", held).status_code == read
    assert call("write", held).status_code == write
    assert call("complete", held, job_id=JOB_ID).status_code == complete


def test_another_prefix_of_scopes_can_be_configured(settings: Settings) -> None:
    settings.AUTH_SCOPE_PREFIX = ""
    assert call("write", token("manage_models")).status_code == 200
    settings.AUTH_SCOPE_PREFIX = "models/"
    assert call("write", token("manage_models")).status_code == 200
    assert call("write", token_of({"scope": "streamline/admin"})).status_code == 403


def test_a_refusal_of_rights_names_the_scope() -> None:
    response = call("write", token("read_models"))
    assert json.loads(response.content)["message"] == "This needs the scope 'manage_models'."


@pytest.mark.parametrize("action", ["undeclared", "misspelt"])
def test_an_operation_without_a_declared_scope_is_closed_to_everybody(action: str) -> None:
    """H18: deny by default."""
    assert call(action).status_code == 401
    assert call(action, token("admin")).status_code == 403
    assert call(action, token("", groups=["admin"])).status_code == 403


def test_a_public_operation_needs_no_token_and_minds_none() -> None:
    assert call("health").status_code == 200
    assert call("health", "rubbish").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options", "trace"])
def test_a_method_that_is_not_served_is_405_with_the_ones_that_are(method: str) -> None:
    """H31."""
    for held in (None, token("admin"), token("")):
        response = call("read", held, method=method)
        assert response.status_code == 405
        assert "GET" in response.headers["Allow"]


def test_a_user_forced_onto_the_request_is_no_principal() -> None:
    request = APIRequestFactory().get("/v2/probe")
    force_authenticate(request, user=User(is_superuser=True))
    assert Probe.as_view({"get": "read"})(request).status_code in {401, 403}
