"""The API's way in answers as Django's own handler would, and leaves nothing behind."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse
from django.urls import clear_script_prefix, get_script_prefix

from config.api.entrance import (
    KEPT_HOSTS,
    KEPT_PATHS,
    ApiMiddleware,
    EntranceRequest,
    Handler,
    _found,
)
from models_registry.api.responses import Response
from tests.contract.operations import MODEL
from tests.tokens import token

pytestmark = pytest.mark.django_db

Answer = tuple[str, list[tuple[str, str]], bytes]
Ask = Callable[..., Answer]
# Each answer has its own: an id, a session, and the second in which a page for staff was made.
MADE_ANEW = {"X-Request-ID", "Set-Cookie", "Expires"}

REQUESTS: dict[str, dict[str, Any]] = {
    "a model": {"PATH_INFO": f"/v2/models/{MODEL}"},
    "its head": {"PATH_INFO": f"/v2/models/{MODEL}", "REQUEST_METHOD": "HEAD"},
    "the head of a page for staff": {"PATH_INFO": "/admin/login/", "REQUEST_METHOD": "HEAD"},
    "one that is not there": {"PATH_INFO": "/v2/models/nothing"},
    "an id of strange letters": {"PATH_INFO": "/v2/models/m\xc3\xb6\xff"},
    "a path that leads nowhere": {"PATH_INFO": "/v2/nothing"},
    "a slash too many": {"PATH_INFO": "/v2/models/"},
    "a path of many characters": {"PATH_INFO": f"/v2/models/{'x' * 5000}"},
    "a method that is not taken": {"PATH_INFO": "/v2/models", "REQUEST_METHOD": "DELETE"},
    "a method of no meaning": {"PATH_INFO": "/v2/models", "REQUEST_METHOD": "BREW"},
    "a body that is no JSON": {"PATH_INFO": "/v2/models", "REQUEST_METHOD": "POST", "body": b"{"},
    "no token": {"PATH_INFO": "/v2/models", "HTTP_AUTHORIZATION": ""},
    "another host": {"PATH_INFO": "/v2/models", "HTTP_HOST": "evil.example.com"},
    "the document": {"PATH_INFO": "/v2/openapi.json"},
    "a page of the document": {"PATH_INFO": "/v2/docs"},
    "a page for staff": {"PATH_INFO": "/admin/login/"},
    "metrics": {"PATH_INFO": "/metrics", "REQUEST_METHOD": "POST"},
    "below a path of Apache's": {"PATH_INFO": "/v2/models", "SCRIPT_URL": "/pre/v2/models"},
    "a length of very many digits": {"PATH_INFO": "/v2/models", "CONTENT_LENGTH": "9" * 5000},
    "below a path of its own": {"PATH_INFO": "/v2/health", "SCRIPT_NAME": "/registry"},
}


@pytest.fixture(scope="module")
def handlers() -> dict[type[WSGIHandler], WSGIHandler]:
    return {kind: kind() for kind in (Handler, WSGIHandler)}


@pytest.fixture
def kept_open() -> Iterator[None]:
    """Have the end of a request not end the connection that holds the test's transaction."""
    # Django's test client, where one was used before, has a request's beginning look as well.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    request_finished.connect(close_old_connections)


@pytest.fixture
def environ(active_model) -> Callable[..., dict[str, Any]]:
    def environ(body: bytes = b"", **changed: Any) -> dict[str, Any]:
        return {
            **{"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "QUERY_STRING": ""},
            **{"SERVER_NAME": "testserver", "SERVER_PORT": "80", "HTTP_HOST": "testserver"},
            **{"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body)},
            "HTTP_AUTHORIZATION": f"Bearer {token()}",
            **({"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}),
            **changed,
        }

    return environ


@pytest.fixture
def unmounted() -> Iterator[None]:
    """Leave to the next test no place that Django's own handler was mounted at."""
    yield
    clear_script_prefix()


@pytest.fixture
def ask(environ, handlers, kept_open, unmounted) -> Ask:
    def ask(kind: type[WSGIHandler] = Handler, **changed: Any) -> Answer:
        begun: list[Any] = []
        answer: Any = handlers[kind](environ(**changed), lambda *head: begun.extend(head))
        content = b"".join(answer)
        if hasattr(answer, "close"):  # as PEP 3333 has servers do it
            answer.close()
        return begun[0], begun[1], content

    return ask


@pytest.fixture
def finished() -> Iterator[list[Any]]:
    seen: list[Any] = []

    def note(**of: Any) -> None:
        seen.append(of)

    request_finished.connect(note)
    yield seen
    request_finished.disconnect(note)


@pytest.mark.parametrize("case", REQUESTS)
def test_each_request_is_answered_as_by_djangos_own_handler(ask, case):
    status, headers, body = ask(Handler, **REQUESTS[case])
    as_django = ask(WSGIHandler, **REQUESTS[case])

    assert status == as_django[0]
    assert _shown(headers) == _shown(as_django[1])
    # RFC 9110, 9.3.2: Django leaves that to servers, and not every one sees to it.
    expected = b"" if REQUESTS[case].get("REQUEST_METHOD") == "HEAD" else as_django[2]
    assert len(body) == len(expected)  # a page holds tokens that are made anew
    assert (body == expected) or b"<html" in body


def _shown(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name, "" if name in MADE_ANEW else value) for name, value in headers)


@pytest.mark.parametrize("path", [f"/v2/models/{MODEL}", "/v2/nothing", "/admin/login/"])
def test_the_end_of_each_request_is_announced_once(ask, finished, path):
    """It is then that connections go back to their pool."""
    ask(PATH_INFO=path)

    assert len(finished) == 1


def test_an_answer_goes_out_in_one_piece_with_its_headers(environ, handlers, kept_open):
    """What is no list is sent as a stream, chunk by chunk."""
    answer = handlers[Handler](environ(PATH_INFO=f"/v2/models/{MODEL}"), lambda *head: None)

    assert isinstance(answer, list)
    assert len(answer) == 1


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_is_read_as_django_reads_it(environ, case):
    asked = environ(**{**REQUESTS[case], "SCRIPT_NAME": "", "SCRIPT_URL": ""})
    ours, djangos = EntranceRequest({**asked}), WSGIRequest({**asked})

    of_both = [
        {**vars(request), "_stream": None, "environ": None, "META": None}
        for request in (ours, djangos)
    ]
    assert of_both[0] == of_both[1]
    assert {**ours.META, "wsgi.input": None} == {**djangos.META, "wsgi.input": None}
    assert ours._stream.limit == djangos._stream.limit
    assert ours.scheme == djangos.scheme


def test_an_answer_is_made_as_django_makes_it():
    ours = Response({"a": 1}, status=201, headers={"ETag": '"1"'})
    djangos = HttpResponse(
        b'{"a":1}', status=201, headers={"ETag": '"1"'}, content_type="application/json"
    )
    blank = HttpResponse(status=204)
    del blank["Content-Type"]

    for made, expected in ((ours, djangos), (Response(status=204), blank)):
        assert {**vars(made), "headers": dict(made.headers)} == {
            **vars(expected),
            "headers": dict(expected.headers),
        }


def test_what_fails_at_the_end_of_a_request_takes_no_answer_back(ask, caplog):
    def fail(**_: object) -> None:
        raise RuntimeError("At the end.")

    request_finished.connect(fail)
    try:
        status, _, body = ask(PATH_INFO=f"/v2/models/{MODEL}")
    finally:
        request_finished.disconnect(fail)

    assert status == "200 OK"
    assert body
    assert "The end of a request failed." in caplog.text


def test_a_mounted_request_leaves_its_place_to_no_other(ask):
    ask(PATH_INFO="/v2/health", SCRIPT_NAME="/registry")

    assert get_script_prefix() == "/"


def test_a_host_that_was_good_makes_no_other_good(ask, settings):
    """H22: also where a proxy names the host."""
    settings.USE_X_FORWARDED_HOST = True
    of_proxy = {"PATH_INFO": "/v2/health", "HTTP_HOST": "testserver"}

    assert ask(**of_proxy, HTTP_X_FORWARDED_HOST="testserver")[0] == "200 OK"
    assert ask(**of_proxy, HTTP_X_FORWARDED_HOST="evil.example.com")[0] == "400 Bad Request"


def test_what_callers_send_makes_no_memory_grow_for_ever(rf, settings):
    settings.ALLOWED_HOSTS = ["*"]
    way_in = ApiMiddleware(lambda request: None)  # type: ignore[arg-type,return-value]
    for number in range(KEPT_PATHS + 100):
        way_in(rf.get(f"/v2/models/m{number}", headers={"Host": f"h{number}.example.com"}))
        way_in(rf.get(f"/v2/models/{number}{'x' * 200}"))

    assert len(way_in._good_hosts) == KEPT_HOSTS
    assert _found.cache_info().currsize == KEPT_PATHS
