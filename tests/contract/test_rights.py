"""Who may do what: every operation against every kind of token (H18, H21, H28)."""

from __future__ import annotations

from typing import Any

import pytest

from models_registry.api.principals import SCOPES
from models_registry.handlers.callbacks import make_callback_token
from models_registry.services.jobs import request_inference
from tests.contract.operations import BODIES, MODEL, NOBODY, Route, routes, tables
from tests.tokens import token

# The API page, "Who may do what", written out; `admin` and the admin group may do all.
NEEDS = {
    "ModelViewSet.list": "read_models",
    "ModelViewSet.create": "manage_models",
    "ModelViewSet.retrieve": "read_models",
    "ModelViewSet.update": "manage_models",
    "ModelViewSet.destroy": "manage_models",
    "VersionViewSet.list": "read_models",
    "VersionViewSet.retrieve": "read_models",
    "VersionViewSet.create": "manage_models",
    "VersionViewSet.set_status": "manage_models",
    "VersionViewSet.train": "run_training",
    "VersionViewSet.infer": "run_inference",
    "JobViewSet.list": "read_models",
    "JobViewSet.list_of_model": "read_models",
    "JobViewSet.retrieve": "read_models",
    "JobViewSet.retrieve_of_version": "read_models",
    "JobViewSet.complete": "complete_jobs",
    "RerunViewSet.retry": ("run_training", "run_inference"),
    "RerunViewSet.cancel": ("run_training", "run_inference"),
    "SubscriptionViewSet.list": "read_models",
    "SubscriptionViewSet.list_incoming": "read_models",
    "SubscriptionViewSet.create": "manage_subscriptions",
    "SubscriptionViewSet.retrieve": "read_models",
    "SubscriptionViewSet.update": "manage_subscriptions",
    "SubscriptionViewSet.destroy": "manage_subscriptions",
    "SubscriptionViewSet.accept_incoming": "manage_subscriptions",
    "ContractCheckViewSet.check": "read_models",
    "VersionChangesViewSet.retrieve": "read_models",
    "RevalidationViewSet.list": "read_models",
    "GraphViewSet.retrieve": "read_models",
    "AuditViewSet.list": "admin",
    "HealthViewSet.health": None,
    "HealthViewSet.ready": "read_models",
}
OPERATIONS = [
    pytest.param(route, method, f"{route.viewset.__name__}.{action}", id=f"{method} {route.path}")
    for route in routes()
    for method, action in route.methods.items()
]
every_operation = pytest.mark.parametrize(("route", "method", "name"), OPERATIONS)
TOKENS: dict[str, Any] = {
    **{scope: {"scope": scope} for scope in SCOPES},
    "no scope": {"scope": ""},
    "a human": {"scope": "admin", "human": True},
    "a human in another group": {"scope": "", "human": True, "groups": ["users"]},
    "a human admin": {"scope": "", "human": True, "groups": ["admin"]},
}


def _may(kind: str, need: str | tuple[str, ...] | None) -> bool:
    if need is None or kind in ("admin", "a human admin"):
        return True
    if isinstance(need, tuple):  # the view asks for the right one of them (test_retry.py)
        return kind in need
    return kind == need or (kind.startswith("a human") and need == "read_models")


def _send(api: Any, route: Route, method: str, name: str, **options: Any) -> int:
    viewset, action = name.split(".")
    body = BODIES.get((viewset, action))
    answer = api.send(method.upper(), route.filled(), body, **options)
    if answer.status in (401, 403):
        assert answer.body["success"] is False
    return int(answer.status)


def test_every_operation_of_the_url_map_stands_in_the_table():
    assert {case.values[2] for case in OPERATIONS} <= set(NEEDS)


@every_operation
def test_each_scope_opens_what_the_page_says_and_nothing_else(
    api, active_model, route, method, name
):
    refused = [kind for kind in TOKENS if not _may(kind, NEEDS[name])]
    before = tables()
    for kind in refused:
        assert _send(api, route, method, name, token=token(**TOKENS[kind])) == 403, kind
    assert tables() == before
    for kind in TOKENS:
        if kind not in refused:
            status = _send(api, route, method, name, token=token(**TOKENS[kind]))
            assert status not in (401, 403), kind


@every_operation
def test_without_a_token_or_with_a_bad_one_it_is_401(api, active_model, route, method, name):
    if NEEDS[name] is None:
        assert _send(api, route, method, name, token=None) == 200
        return
    before = tables()
    for sent in (None, "x", "a.b.c", token(exp=1), token(iss="somebody else")):
        assert _send(api, route, method, name, token=sent) == 401
    assert tables() == before


@every_operation
def test_a_callback_token_opens_nothing_but_its_own_jobs_end(
    api, active_model, route, method, name
):
    """H19."""
    if NEEDS[name] is None:
        return
    job = request_inference(model_id=MODEL, version="1", input={})

    assert _send(api, route, method, name, token=make_callback_token(job.pk)) == 403


@pytest.mark.parametrize(
    ("route", "method", "name"),
    [case for case in OPERATIONS if "<str:" in case.values[0].path],
)
def test_what_the_path_names_and_is_not_there_is_404(api, active_model, route, method, name):
    viewset, action = name.split(".")
    path = route.filled(model_id="nobody", model_version="9", job_id=NOBODY, subscription_id=NOBODY)

    answer = api.send(method.upper(), path, BODIES.get((viewset, action)))
    assert (answer.status, answer.body["success"]) == (404, False)
