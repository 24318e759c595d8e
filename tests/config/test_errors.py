"""The envelope: "every error, of every status and every route under /v2" (API page)."""

from __future__ import annotations

import importlib
import json
import logging
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from rest_framework.settings import api_settings

import config
import models_registry
import subscriptions
from config.api.errors import exception_handler, faults_of
from models_registry.errors import DomainError, Fault
from tests.config.urls_for_edge import SECRET

pytestmark = pytest.mark.urls("tests.config.urls_for_edge")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def envelope(response: Any) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/json"
    assert int(response.headers["Content-Length"]) == len(response.content)
    body = response.json()
    assert set(body) <= {"success", "message", "code", "errors"}
    assert body["success"] is False
    assert SECRET.encode() not in response.content
    return body


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("conflict", 409, "conflict"),
        ("http404", 404, "not_found"),
        ("forbidden", 403, "permission_denied"),
        ("drf_forbidden", 403, "permission_denied"),
        ("throttled", 429, "throttled"),
        ("operational", 503, "database_unavailable"),
        ("interface", 503, "database_unavailable"),
        ("suspicious", 400, "invalid_request"),
        ("bad", 400, "invalid_request"),
        ("cut_off", 400, "body_cut_off"),
        ("bug", 500, "internal_error"),
    ],
)
def test_whatever_a_view_raises_is_answered_in_the_envelope(
    client: Client, name: str, status: int, code: str
) -> None:
    response = client.get(f"/v2/raise/{name}")
    assert response.status_code == status
    assert envelope(response)["code"] == code


@pytest.mark.parametrize(
    ("name", "status"),
    [("http404", 404), ("forbidden", 403), ("suspicious", 400), ("bug", 500), ("html", 418),
     ("method", 405)],
)  # fmt: skip
@pytest.mark.parametrize("debug", [False, True])
def test_errors_outside_of_drf_are_in_it_too(
    client: Client, settings: Any, name: str, status: int, debug: bool
) -> None:
    """H22; DEBUG's pages, which show settings and variables, do not get out either."""
    settings.DEBUG = debug
    response = client.get(f"/v2/plain/{name}")
    assert response.status_code == status
    assert re.fullmatch(r"[a-z_]+", envelope(response)["code"])


@pytest.mark.parametrize("path", ["/v2", "/v2/", "/v2/nothing", "/v2/echo/", "/v2/echo//x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_404_in_the_envelope(client: Client, path: str, method: str) -> None:
    """Owed: "paths have no trailing slash"; H14: no redirect to another spelling."""
    response = client.generic(method, path)
    assert response.status_code == 404
    assert envelope(response)["code"] == "not_found"


def test_other_paths_keep_their_own_pages(client: Client) -> None:
    for path, status in (("/nothing", 404), ("/other/forbidden", 403), ("/v2x", 404)):
        response = client.get(path)
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith("text/html")
    assert client.get("/other/bug").status_code == 500
    assert client.get("/other/bad").status_code == 400


def test_all_faults_are_told_with_their_places(client: Client) -> None:
    assert envelope(client.get("/v2/raise/faults")) == {
        "success": False,
        "message": "The request is well-formed but can't be carried out.",
        "code": "unprocessable",
        "errors": [{"path": "/a/b", "message": "Wrong."}, {"path": "", "message": "Worse."}],
    }


def test_very_many_and_very_long_faults_are_cut(client: Client) -> None:
    errors = envelope(client.get("/v2/raise/many_faults"))["errors"]
    assert len(errors) == 101
    # The deepest that fits: half of a key would point to what is not there.
    assert errors[0]["path"] == "/holds"
    assert errors[-1] == {"path": "", "message": "And more."}


def test_a_method_that_the_path_lacks_is_405_with_allow(client: Client) -> None:
    """H31: RFC 9110, 15.5.6; OPTIONS and TRACE are no exceptions, overrides are ignored."""
    for method in ("DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        response = client.generic(method, "/v2/echo", HTTP_X_HTTP_METHOD_OVERRIDE="GET")
        assert response.status_code == 405
        assert envelope(response)["code"] == "method_not_allowed"
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "PUT"}


def test_405_from_a_plain_view_keeps_allow(client: Client) -> None:
    response = client.get("/v2/plain/method")
    assert response.headers["Allow"] == "POST"


def test_401_names_the_scheme(client: Client) -> None:
    """Owed: "401 ... with WWW-Authenticate: Bearer"."""
    response = client.get("/v2/locked")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert envelope(response)["message"] == "No."


def test_passing_troubles_say_when_to_come_back(client: Client) -> None:
    """F12: OperationalError is 503 with Retry-After; 429 likewise, rounded up."""
    assert client.get("/v2/raise/throttled").headers["Retry-After"] == "3"
    assert client.get("/v2/raise/operational").headers["Retry-After"] == "5"


def test_faults_of_ours_are_logged_with_their_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        client.get("/v2/raise/bug")
        client.get("/v2/raise/operational")
    assert [type(record.exc_info[1]).__name__ for record in caplog.records if record.exc_info] == [
        "ZeroDivisionError",
        "OperationalError",
    ]


def test_a_host_that_is_not_ours_is_400(client: Client) -> None:
    response = client.get("/v2/echo", HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert envelope(response)["code"] == "invalid_request"


def test_a_thousand_query_parameters_are_400(client: Client) -> None:
    response = client.get("/v2/echo?" + "&".join(f"a{n}=1" for n in range(1100)))
    assert response.status_code == 400
    envelope(response)


def test_the_headers_of_other_middleware_stay_on_converted_errors(client: Client) -> None:
    response = client.get("/v2/plain/html")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/*", "application/json", "application/json;q=0.1, text/html",
     "application/json; charset=utf-8", "text/html, */*;q=0.8", ""],
)  # fmt: skip
def test_an_accept_header_that_admits_json_is_served(client: Client, accept: str) -> None:
    response = client.get("/v2/echo", HTTP_ACCEPT=accept)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/xml, text/*", "application/json;q=0", "*/*; q=0.0", "nonsense",
     "x/y; z*=nope''y", "a/b," * 60_000],
)  # fmt: skip
def test_an_accept_header_without_json_is_406(client: Client, accept: str) -> None:
    response = client.get("/v2/echo", HTTP_ACCEPT=accept)
    assert response.status_code == 406
    assert envelope(response)["code"] == "not_acceptable"


def test_error_details_become_pointers() -> None:
    detail = {
        "name": ["Too long.", "Ugly."],
        "a/b": {"c~d": ["Odd."]},
        "steps": [{}, {"arn": ["Missing."]}],
        "tags": {1: ["No."]},
        "handler": {api_settings.NON_FIELD_ERRORS_KEY: ["Together wrong."]},
        "non_field_errors": ["A field of that name."],
        api_settings.NON_FIELD_ERRORS_KEY: ["All wrong."],
    }
    assert list(faults_of(detail)) == [
        Fault("/name", "Too long."),
        Fault("/name", "Ugly."),
        Fault("/a~1b/c~0d", "Odd."),
        Fault("/steps/1/arn", "Missing."),
        Fault("/tags/1", "No."),
        Fault("/handler", "Together wrong."),
        Fault("/non_field_errors", "A field of that name."),
        Fault("", "All wrong."),
    ]


def every_refusal() -> list[type[DomainError]]:
    for package in (config, models_registry, subscriptions):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    return sorted(_subclasses(DomainError), key=lambda kind: (kind.__module__, kind.__qualname__))


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_every_refusal_of_the_services_can_be_rendered() -> None:
    """Style: "rendered in one place. A test renders every one of them."."""
    refusals = every_refusal()
    assert len(refusals) > 8
    for kind in refusals:
        error = kind.__new__(kind)
        DomainError.__init__(error, faults=[Fault("/a", "Wrong.")])
        response = exception_handler(error, {})
        assert response is not None, kind
        assert 400 <= response.status_code < 600, kind
        body = json.loads(response.content)
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", body["code"]), kind
        assert re.fullmatch(r"[A-Z].*\.", body["message"], re.DOTALL), kind
        assert body["errors"] == [{"path": "/a", "message": "Wrong."}]


def test_a_code_belongs_to_one_status() -> None:
    """A client that switches on `code` must not meet it with another meaning."""
    statuses: dict[str, set[int]] = {}
    for kind in every_refusal():
        statuses.setdefault(kind.code, set()).add(kind.status)
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}
