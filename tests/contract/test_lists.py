"""Lists: bare arrays in keyset pages, over every list of the API."""

from __future__ import annotations

import re

import pytest

from models_registry.services.jobs import request_inference
from models_registry.services.versions import create_version
from tests.contract.operations import MODEL
from tests.factories import make_active_model, make_model, make_subscription

PATH = f"/v2/models/{MODEL}"


def _add_model(name: str) -> None:
    make_model(name)


def _add_version(name: str) -> None:
    create_version(model_id=MODEL, version=name, description="", metadata={})


def _add_job(name: str) -> None:
    request_inference(model_id=MODEL, version="1", input={"name": name})


def _add_subscription(name: str) -> None:
    make_subscription(MODEL, MODEL, input={"name": name})


# Each list, how a row is added to it, and how a row is told from others.
LISTS = [
    pytest.param("/v2/models", _add_model, "id", id="models"),
    pytest.param(f"{PATH}/versions", _add_version, "version", id="versions"),
    pytest.param("/v2/jobs", _add_job, "id", id="jobs"),
    pytest.param(f"{PATH}/jobs", _add_job, "id", id="a model's jobs"),
    pytest.param(f"{PATH}/event-subscriptions", _add_subscription, "id", id="subscriptions"),
    pytest.param(f"{PATH}/incoming-subscriptions", _add_subscription, "id", id="incoming"),
]
every_list = pytest.mark.parametrize(("path", "add", "key"), LISTS)


def _next(answer) -> str | None:
    match = re.fullmatch(r'<http://testserver(/[^>]+)>; rel="next"', answer.headers.get("Link", ""))
    return match[1] if match else None


def _pages(api, path: str, between=lambda: None) -> list:
    rows, following = [], f"{path}?limit=2"
    for _ in range(20):
        answer = api.get(following)
        rows += answer.body
        following = _next(answer)
        if following is None:
            return rows
        between()
    raise AssertionError("the pages have no end")


@every_list
def test_pages_show_every_row_once_and_as_the_whole_list_does(api, active_model, path, add, key):
    for number in range(5):
        add(f"n{number}")
    whole = api.get(path)

    assert _next(whole) is None
    assert isinstance(whole.body, list)
    assert _pages(api, path) == whole.body
    assert len(whole.body) >= 5


@every_list
def test_no_row_is_skipped_or_repeated_while_rows_are_being_inserted(
    api, active_model, path, add, key
):
    for number in range(6):
        add(f"n{number}")
    there = [row[key] for row in api.get(path).body]
    added = iter(range(100))
    seen = [row[key] for row in _pages(api, path, lambda: add(f"m{next(added)}"))][:20]

    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in there] == there


@every_list
@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit=1.5"])
def test_a_limit_out_of_range_is_400(api, active_model, path, add, key, query):
    assert api.get(f"{path}?{query}", documented=False).status == 400


@every_list
@pytest.mark.parametrize("cursor", ["", "x", "a.b", "%00"])
def test_a_cursor_that_was_not_given_out_is_400(api, active_model, path, add, key, cursor):
    assert api.get(f"{path}?cursor={cursor}", documented=False).status == 400


def test_jobs_are_filtered_by_status_and_type(api, active_model):
    make_active_model("other")
    _add_job("a")
    api.post(f"{PATH}/versions/1/training", {})

    assert len(api.get("/v2/jobs").body) == 2
    assert [job["job_type"] for job in api.get("/v2/jobs?job_type=training").body] == ["training"]
    assert len(api.get(f"{PATH}/jobs?status=pending&job_type=inference").body) == 1
    assert api.get("/v2/jobs?status=failure").body == []
    assert api.get("/v2/models/other/jobs").body == []


@pytest.mark.parametrize("query", ["status=done", "job_type=both", "status=", "status=a&status=b"])
def test_an_unknown_filter_value_is_400(api, active_model, query):
    assert api.get(f"/v2/jobs?{query}", documented=False).status == 400


def test_all_that_is_wrong_with_a_query_is_said_at_once(api, active_model):
    """ "All faults at once, never only the first." """
    wrong = {
        "/v2/models": ("x=1&limit=0&cursor=c", "x limit cursor"),
        f"{PATH}/versions": ("x=1&limit=0&cursor=c", "x limit cursor"),
        "/v2/jobs": ("x=1&limit=1&limit=1&status=s&job_type=j", "x limit status job_type"),
        f"{PATH}/jobs": ("status=s&job_type=j&cursor=c", "status job_type cursor"),
        f"{PATH}/event-subscriptions": (
            "status=s&trigger_event=t&target_model_id=%00&limit=x",
            "status trigger_event target_model_id limit",
        ),
        f"{PATH}/incoming-subscriptions": (
            "target_model_id=a&source_model_id=.&status=s",
            "target_model_id status source_model_id",
        ),
        "/v2/audit": (
            "actor=&action=a&model_id=%00&since=s&until=u&limit=0",
            "action actor model_id since until limit",
        ),
        "/v2/graph": ("x=1&model_id=%00&depth=99", "x model_id depth"),
    }
    for path, (query, names) in wrong.items():
        answer = api.get(f"{path}?{query}", documented=False)

        assert (answer.status, answer.body["code"]) == (400, "invalid_query_parameter")
        told = [re.search(r"'(\w+)'", error["message"])[1] for error in answer.body["errors"]]
        assert told == names.split(), path


def test_lists_of_an_unknown_model_are_404(api):
    for kind in ("versions", "jobs", "event-subscriptions", "incoming-subscriptions"):
        assert api.get(f"/v2/models/nobody/{kind}").status == 404


def test_newest_first(api, active_model):
    for name in ("a", "b"):
        _add_version(name)
        _add_job(name)

    assert [row["version"] for row in api.get(f"{PATH}/versions").body] == ["b", "a", "1"]
    assert [row["input"]["name"] for row in api.get("/v2/jobs").body] == ["b", "a"]
