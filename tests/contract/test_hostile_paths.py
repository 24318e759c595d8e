"""Paths, queries and methods that nobody means well with (H14, H30, H31)."""

from __future__ import annotations

import pytest

from tests.contract.operations import BODIES, MODEL, Route, routes, tables

BAD_IDS = [
    "%00",
    "a%00b",
    "%0A",
    "a%0D%0AX-Evil:1",
    "%20",
    "a b",
    ".hidden",
    "-dash",
    "a%3Fb",
    "a%23b",
    "a;b",
    "%F0%9F%9A%86",
    "%EF%BD%81",
    "caf%C3%A9",
    "%ff%fe",
    "%25FF",
    "x" * 300,
    "x" * 129,
]
BAD_UUIDS = ["1", "019b76daa80070008000000000000009", "{019b76da}", "not-a-uuid", "%00", "x" * 300]
ALL = [pytest.param(route, id=route.path) for route in routes()]
WITH_PARAMETERS = [case for case in ALL if "<str:" in case.values[0].path]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "PROPFIND"]


def _each_parameter_spoilt(route: Route) -> list[str]:
    paths = []
    for name in ("model_id", "model_version", "job_id", "subscription_id"):
        if f"<str:{name}>" in route.path:
            bad = BAD_UUIDS if name in ("job_id", "subscription_id") else BAD_IDS
            paths += [route.filled(**{name: value}) for value in bad]
    return paths


@pytest.mark.parametrize("route", WITH_PARAMETERS)
def test_an_id_that_no_id_can_be_is_400_on_every_route(api, active_model, route):
    """H14: never a 500, and never a row."""
    before = tables()
    for path in _each_parameter_spoilt(route):
        for method, action in route.methods.items():
            body = BODIES.get((route.viewset.__name__, action))
            answer = api.send(method.upper(), path, body, documented=False)

            assert (answer.status, answer.body["code"]) == (400, "invalid_path_parameter"), path
    assert tables() == before


@pytest.mark.parametrize("value", ["a/b", "..", ".", "../jobs", "a//b", "%2F", "a%2Fb", "/"])
def test_slashes_and_dots_lead_nowhere(api, active_model, value):
    answer = api.get(f"/v2/models/{value}", documented=False)

    assert (answer.status, answer.body["success"]) in ((400, False), (404, False))


@pytest.mark.parametrize("value", ["a/b", " a", "a ", "", "é", "\uff41", ".a", "x" * 129, "a\n"])
def test_a_model_can_not_be_made_with_such_an_id(api, value):
    """H30."""
    answer = api.post("/v2/models", {**BODIES["ModelViewSet", "create"], "id": value})

    assert (answer.status, answer.body["errors"][0]["path"]) == (400, "/id")


@pytest.mark.parametrize("name", ["a\u202eb", "a\x00b", "a\nb", "", "   ", "x" * 201])
def test_a_name_that_could_pass_for_another_is_refused(api, name):
    """H30."""
    answer = api.post("/v2/models", {**BODIES["ModelViewSet", "create"], "name": name})

    assert answer.status == 400


@pytest.mark.parametrize("route", ALL)
def test_a_method_that_a_path_does_not_take_is_405_and_says_which_it_does(api, active_model, route):
    """H31: RFC 9110, 15.5.6."""
    allowed = {method.upper() for method in route.methods} | (
        {"HEAD"} if "get" in route.methods else set()
    )
    for method in METHODS:
        if method in allowed:
            continue
        answer = api.send(method, route.filled(), {}, documented=method in ("PATCH", "PUT"))

        assert answer.status == 405, method
        assert answer.body is None if method == "HEAD" else answer.body["success"] is False
        assert {each.strip() for each in answer.headers["Allow"].split(",")} == allowed


def test_the_method_can_not_be_overridden(api, active_model):
    """H31."""
    headers = {"X-HTTP-Method-Override": "DELETE"}

    assert api.get(f"/v2/models/{MODEL}", headers=headers).status == 200
    assert api.get(f"/v2/models/{MODEL}").status == 200


@pytest.mark.parametrize("route", ALL)
def test_an_unknown_query_parameter_is_400_on_every_route(api, active_model, route):
    for method, action in route.methods.items():
        body = BODIES.get((route.viewset.__name__, action))
        answer = api.send(method.upper(), f"{route.filled()}?debug=1", body, documented=False)

        assert (answer.status, answer.body["code"]) == (400, "invalid_query_parameter")
        assert "debug" in answer.body["errors"][0]["message"]


@pytest.mark.parametrize(
    "path", ["/v2", "/v2/", "/v2/models/", "/v2/nothing", "/v2/health/", "/v2/models/a/b/c"]
)
def test_an_unknown_path_is_404_in_the_envelope_and_never_a_redirect(api, path):
    """ "Paths have no trailing slash." """
    for method in ("GET", "POST", "PUT"):
        answer = api.send(method, path, {})
        assert (answer.status, answer.body["success"]) == (404, False)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_who_takes_no_json_gets_406_in_the_envelope(api, active_model, accept):
    answer = api.get("/v2/models", headers={"Accept": accept})

    assert (answer.status, answer.body["code"]) == (406, "not_acceptable")
