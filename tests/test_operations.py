"""What every view and every refusal of the API has: rights that are declared, and a code."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from models_registry.api.principals import SCOPES
from models_registry.errors import DomainError
from tests.test_architecture import PACKAGES

# Public by the API page, and made by drf-spectacular: "except GET /v2/health, the OpenAPI
# document and its pages".
DOCUMENTATION = {"openapi.json", "docs", "redoc"}


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield path, entry.callback
        elif path != "admin/":
            yield from _routes(entry, path)


ROUTES = {path: view for path, view in _routes(get_resolver()) if path.startswith("v2/")}


GUIDE = {"docs", "docs/", "docs/<slug:name>/"}


def test_all_that_is_served_is_the_api_the_admin_and_the_guide():
    assert {path for path, _ in _routes(get_resolver())} == {*ROUTES, "metrics", *GUIDE}


def test_paths_have_no_trailing_slash():
    """API page: "Paths have no trailing slash." """
    assert [path for path in ROUTES if path.endswith("/")] == []


@pytest.mark.parametrize("path", [path for path in ROUTES if path[3:] not in DOCUMENTATION])
def test_every_view_declares_a_scope_for_every_action(path):
    """H18: deny by default; what is declared for no operation is a leftover."""
    view = ROUTES[path]
    scopes = view.cls.scopes
    assert set(view.actions.values()) <= set(scopes)
    for scope in scopes.values():
        named = {scope} if isinstance(scope, str) else set(scope)
        assert named
        assert named <= {*SCOPES, "public"}


def test_every_declared_action_is_routed():
    views = {view.cls for path, view in ROUTES.items() if path[3:] not in DOCUMENTATION}
    routed: dict[type, set[str]] = {view: set() for view in views}
    for path, view in ROUTES.items():
        if path[3:] not in DOCUMENTATION:
            routed[view.cls] |= set(view.actions.values())
    for view in views:
        assert set(view.scopes) == routed[view]
        assert set(view.bodies) <= routed[view]


def test_health_alone_is_public():
    public = {
        path
        for path, view in ROUTES.items()
        for action in getattr(view, "actions", {}).values()
        if view.cls.scopes[action] == "public"
    }
    assert public == {"v2/health"}


def _refusals() -> list[type[DomainError]]:
    for package in PACKAGES:
        module = importlib.import_module(package)
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if "migrations" not in found.name and found.name not in {"config.wsgi"}:
                importlib.import_module(found.name)
    made: list[type[DomainError]] = []
    waiting = [DomainError]
    while waiting:
        made.append(waiting.pop())
        waiting += made[-1].__subclasses__()
    return [refusal for refusal in made if refusal.__module__.split(".")[0] in PACKAGES]


def test_every_refusal_has_a_code_a_status_and_a_message():
    for refusal in _refusals():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", refusal.code), refusal
        assert refusal.status in {400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503}, refusal
        assert refusal.message.endswith("."), refusal


def test_no_two_refusals_share_a_code():
    """The code is what a program goes by."""
    codes: dict[str, type[DomainError]] = {}
    for refusal in _refusals():
        assert "code" in vars(refusal), f"{refusal} has the code of its base"
        assert codes.setdefault(refusal.code, refusal) is refusal
    assert len(codes) > 10
