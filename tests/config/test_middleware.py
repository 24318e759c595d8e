"""Requests of the API pass API_MIDDLEWARE, loaded by Django, and are answered as by Django."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.handlers.base import BaseHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from config import wsgi
from tests.contract.operations import MODEL
from tests.tokens import token

pytestmark = pytest.mark.django_db

CORS = "corsheaders.middleware.CorsMiddleware"
ORIGIN = "https://app.example.com"
OUTSIDER = "tests.config.outsiders.Outsider"
PAGES = ("/admin/login/", "/v2/health")


@pytest.fixture
def call(client) -> Callable[..., Any]:
    """Send a request with all rights; a server error is answered."""
    client.raise_request_exception = False

    def call(path: str, method: str = "GET", **headers: str) -> Any:
        return client.generic(
            method, path, headers={"Authorization": f"Bearer {token()}", **headers}
        )

    return call


@pytest.fixture
def with_middleware(settings: Any) -> Callable[..., None]:
    """Add middleware to what all requests pass, as somebody who deploys the service would."""

    def add(*paths: str) -> None:
        settings.MIDDLEWARE = [*configured.MIDDLEWARE, *paths]
        settings.API_MIDDLEWARE = [*paths, *configured.API_MIDDLEWARE]

    return add


# --- Somebody else's middleware -----------------------------------------------------------------
@pytest.mark.parametrize("path", PAGES)
def test_middleware_of_another_package_sees_pages_and_the_api(
    call, with_middleware, settings, path
):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    with_middleware(CORS)

    assert call(path, Origin=ORIGIN).headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Origin" not in call(path, Origin="https://x.example").headers


def test_a_preflight_is_answered_by_the_middleware_that_knows_it(call, with_middleware, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    with_middleware(CORS)
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    response = call(f"/v2/models/{MODEL}", "OPTIONS", **asked)

    assert response.status_code == 200
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.usefixtures("kept_open")
@pytest.mark.parametrize("path", PAGES)
def test_a_wrapper_of_djangos_get_response_sees_each_request_once(monkeypatch, path):
    """It is there that agents of monitoring hook in."""
    seen, get_response = [], BaseHandler.get_response

    def wrapped(self: BaseHandler, request: Any) -> Any:
        seen.append(request.path)
        return get_response(self, request)

    monkeypatch.setattr(BaseHandler, "get_response", wrapped)
    _over_wsgi(path)

    assert seen == [path]


@pytest.mark.parametrize("path", ["/admin/login/", f"/v2/models/{MODEL}"])
def test_the_hooks_of_middleware_are_called(call, with_middleware, active_model, path):
    with_middleware(OUTSIDER)

    assert call(path).headers["X-View"] in {"login", "ModelViewSet"}


def test_a_template_of_the_api_passes_its_hook(call, with_middleware):
    with_middleware(OUTSIDER)

    assert call("/v2/docs").headers["X-Template"] == "yes"


@pytest.mark.urls("tests.config.urls_for_edge")
def test_middleware_may_answer_for_a_view_that_failed(call, with_middleware):
    with_middleware(OUTSIDER)

    assert call("/other/bug").content == b"ZeroDivisionError"
    response = call("/v2/raise/bug")
    assert response.status_code == 418
    assert response.json()["success"] is False, "in the envelope, as every error of the API"


def test_middleware_that_is_not_used_is_left_out(call, with_middleware):
    with_middleware("tests.config.outsiders.Unused")

    assert call("/v2/health").status_code == 200


def test_the_list_of_pages_is_as_it_was_when_the_api_has_loaded_its_own(call):
    before = list(configured.MIDDLEWARE)
    call("/v2/health")

    assert before == configured.MIDDLEWARE
    assert before != configured.API_MIDDLEWARE


# --- What every answer has ----------------------------------------------------------------------
SAFE = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


@pytest.mark.parametrize("path", [f"/v2/models/{MODEL}", "/v2/nothing", "/v2/models/"])
def test_an_answer_keeps_a_browser_safe_and_sets_no_cookie(call, active_model, path):
    response = call(path)

    assert SAFE.items() <= dict(response.headers).items()
    assert not response.cookies
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_plain_http_is_sent_to_https(call, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    response = call("/v2/health?a=1")

    assert response.status_code == 301
    assert response.headers["Location"] == "https://testserver/v2/health?a=1"


def test_over_https_browsers_are_told_to_stay_there(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    response = Client().get("/v2/health", secure=True)

    assert response.status_code == 200
    assert response.headers["Strict-Transport-Security"].startswith("max-age=60")


@pytest.mark.parametrize("is_redirecting", [False, True])
def test_another_host_is_refused_in_the_envelope(call, settings, is_redirecting):
    settings.SECURE_SSL_REDIRECT = is_redirecting
    response = call("/v2/models", Host="evil.example.com")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


def test_a_host_that_was_good_makes_no_other_good(call, settings):
    """H22: also where a proxy names the host."""
    settings.USE_X_FORWARDED_HOST = True

    assert call("/v2/health", **{"X-Forwarded-Host": "testserver"}).status_code == 200
    assert call("/v2/health", **{"X-Forwarded-Host": "evil.example.com"}).status_code == 400


def test_a_service_in_debug_mode_answers_errors_in_the_envelope(call, settings):
    settings.DEBUG = True

    assert call("/v2/nothing").json()["code"] == "not_found"
    assert call("/v2/models", Host="evil.example.com").json()["code"] == "invalid_request"


# --- As a web server sees it --------------------------------------------------------------------
@pytest.fixture
def kept_open() -> Iterator[None]:
    """Have the end of a request not end the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _over_wsgi(path: str, method: str = "GET", **environ: str) -> tuple[str, dict, bytes]:
    begun: list[Any] = []
    asked = {
        **{"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""},
        **{"SERVER_NAME": "testserver", "SERVER_PORT": "80", "HTTP_HOST": "testserver"},
        **{"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO()},
        **{"HTTP_AUTHORIZATION": f"Bearer {token()}", **environ},
    }
    answer = wsgi.application(asked, lambda *head: begun.extend(head))
    return begun[0], dict(begun[1]), b"".join(answer)


@pytest.mark.parametrize("path", [f"/v2/models/{MODEL}", "/v2/docs", "/admin/login/"])
@pytest.mark.usefixtures("active_model", "kept_open")
def test_the_answer_to_head_has_the_headers_and_no_body(path):
    """RFC 9110, 9.3.2; not every server drops what it has no place for."""
    status, headers, body = _over_wsgi(path, "HEAD")
    of_get = _over_wsgi(path)

    assert (status, body) == ("200 OK", b"")
    assert headers["Content-Length"] == of_get[1]["Content-Length"] == str(len(of_get[2]))


@pytest.mark.usefixtures("active_model", "kept_open")
def test_an_answer_without_a_body_has_no_length():
    """RFC 9110, 8.6: not in a 204, and in a 304 it would be that of the whole."""
    path = f"/v2/models/{MODEL}"
    etag = _over_wsgi(path)[1]["ETag"]
    status, headers, body = _over_wsgi(path, HTTP_IF_NONE_MATCH=etag)

    assert (status, body) == ("304 Not Modified", b"")
    assert "Content-Length" not in headers
    status, headers, body = _over_wsgi(path, "DELETE")
    assert (status, body) == ("204 No Content", b"")
    assert not {"Content-Length", "Content-Type"} & headers.keys()


@pytest.mark.usefixtures("kept_open")
@pytest.mark.parametrize(
    "environ", [{"SCRIPT_NAME": "/registry"}, {"SCRIPT_URL": "/pre/v2/health"}]
)
def test_a_service_below_a_path_of_its_own_answers(environ):
    assert _over_wsgi("/v2/health", **environ)[0] == "200 OK"
    assert _over_wsgi("/v2/health")[0] == "200 OK"
