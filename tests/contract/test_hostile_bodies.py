"""What bad input gets (H1 to H7, H15): a clear error in the envelope, and nothing changes."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from models_registry.models import Job
from models_registry.services.jobs import request_inference
from models_registry.services.reruns import cancel_job
from tests.contract.operations import BODIES, routes, tables
from tests.factories import make_subscription

MIB = 1024 * 1024

WITH_BODIES = [
    pytest.param(route, method, action, id=f"{route.viewset.__name__}.{action}")
    for route in routes()
    for method, action in route.methods.items()
    if method in ("post", "put")
]
every_operation_with_a_body = pytest.mark.parametrize(("route", "method", "action"), WITH_BODIES)


def _nested(depth: int) -> bytes:
    return b'{"metadata": ' * depth + b"1" + b"}" * depth


RAW: dict[str, tuple[bytes, int]] = {
    "not JSON": (b"name=example", 400),
    "half of it": (b'{"name": ', 400),
    "not UTF-8": (b'{"name": "\xff"}', 400),
    "a byte order mark": (b'\xef\xbb\xbf{"name": "a"}', 400),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), 400),
    "empty": (b"", 400),
    "blank": (b"  ", 400),
    "an array": (b"[]", 400),
    "a string": (b'"name"', 400),
    "null": (b"null", 400),
    "two values": (b"{}{}", 400),
    "2 MiB over the limit": (b'{"name": "' + b"x" * (9 * MIB) + b'"}', 413),
    "nested 100,000 deep": (_nested(100_000), 400),
    "nested arrays": (b'{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "NaN": (b'{"metadata": {"a": NaN}}', 400),
    "-Infinity": (b'{"metadata": {"a": [-Infinity]}}', 400),
    "1e400": (b'{"metadata": {"a": 1e400}}', 400),
    "a NUL in a value": (b'{"metadata": {"a": "\\u0000"}}', 400),
    "a NUL in a key": (b'{"metadata": {"\\u0000": 1}}', 400),
    "a lone surrogate": (b'{"metadata": {"a": "\\ud800"}}', 400),
    "a reversed pair in a key": (b'{"metadata": {"\\udc00\\ud800": 1}}', 400),
    "a duplicate key": (b'{"status": "failure", "status": "success"}', 400),
    "a duplicate key inside": (b'{"metadata": {"a": 1, "a": 2}}', 400),
    "2^63": (b'{"metadata": {"a": 9223372036854775808}}', 400),
    "10^400": (b'{"metadata": {"a": 1' + b"0" * 400 + b"}}", 400),
    "5,000 digits": (b'{"metadata": {"a": ' + b"9" * 5000 + b"}}", 400),
}


@pytest.fixture
def job(active_model) -> Job:
    """A job to complete, and a subscription to change, beside the active model."""
    return request_inference(model_id=active_model.pk, version="1", input={})


@pytest.fixture
def paths(active_model, job) -> dict[str, str]:
    subscription = make_subscription(active_model.pk, active_model.pk)
    return {"job_id": str(job.pk), "subscription_id": str(subscription.pk)}


def test_every_operation_with_a_body_has_one_here():
    assert {(case.values[0].viewset.__name__, case.values[2]) for case in WITH_BODIES} == set(
        BODIES
    )


@every_operation_with_a_body
def test_the_body_that_the_others_are_spoilt_from_is_a_good_one(api, paths, route, method, action):
    body = BODIES[route.viewset.__name__, action]
    if action == "retry":
        cancel_job(job_id=UUID(paths["job_id"]))

    assert api.send(method.upper(), route.filled(**paths), body).status < 300


@every_operation_with_a_body
def test_what_is_not_a_json_object_in_utf_8_is_refused(api, paths, route, method, action):
    before = tables()
    for name, (raw, status) in RAW.items():
        answer = api.send(method.upper(), route.filled(**paths), raw)

        assert answer.status == status, name
        assert answer.body["success"] is False, name
        assert answer.body["message"], name
    assert tables() == before


@every_operation_with_a_body
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=punycode",
        "application/json; charset=utf-16",
        "application/xml",
    ],
)
def test_another_content_type_or_charset_is_415(api, paths, route, method, action, content_type):
    """H7."""
    raw = json.dumps(BODIES[route.viewset.__name__, action]).encode()
    headers = {"Content-Type": content_type}

    answer = api.send(method.upper(), route.filled(**paths), raw, headers=headers)
    assert (answer.status, answer.body["success"]) == (415, False)


@every_operation_with_a_body
def test_an_unknown_field_is_400_and_named(api, paths, route, method, action):
    """H15: mass assignment is refused, not ignored."""
    before = tables()
    body = {**BODIES[route.viewset.__name__, action], "is_staff": True, "a/b": 1}
    answer = api.send(method.upper(), route.filled(**paths), body)

    assert answer.status == 400
    assert {"/is_staff", "/a~1b"} <= {error["path"] for error in answer.body["errors"]}
    assert tables() == before


def _wrong(value: Any) -> list[Any]:
    """Return values of every other JSON type."""
    wrong: list[Any] = [None, True, 5, 1.5, "text", ["text"], {"a": 1}]
    same_type = [bool] if isinstance(value, bool) else [type(value)]
    return [each for each in wrong if type(each) not in same_type]


@every_operation_with_a_body
def test_each_field_of_a_wrong_type_is_400_with_its_pointer(api, paths, route, method, action):
    """H15: nothing is turned into what it is not."""
    before = tables()
    body = BODIES[route.viewset.__name__, action]
    for name, value in body.items():
        for wrong in _wrong(value):
            if wrong is None and name in ("handler_contracts", "label"):
                continue  # null is a value of theirs
            answer = api.send(method.upper(), route.filled(**paths), {**body, name: wrong})

            assert answer.status == 400, (name, wrong)
            pointers = [error["path"] for error in answer.body["errors"]]
            assert any(pointer.startswith(f"/{name}") for pointer in pointers), (name, wrong)
    assert tables() == before


@pytest.mark.parametrize("depth", [64, 65])
def test_a_free_object_may_nest_64_levels_and_no_more(api, active_model, depth):
    """H2."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    answer = api.post("/v2/models/model_price_reco_v1/versions/1/inference", {"input": value})

    assert answer.status == (202 if depth == 64 else 400)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"-0.0", 0.0),
        (b"1E+2", 100.0),
        (b"1e22", 1e22),
        (b"1e300", 1e300),
        (b"1e-400", 0.0),
        (b"0.1", 0.1),
    ],
)
def test_numbers_are_kept_the_same_on_every_database(api, active_model, sent, stored):
    """H5: what is documented, equal on both databases."""
    raw = b'{"input": {"n": ' + sent + b"}}"
    answer = api.post("/v2/models/model_price_reco_v1/versions/1/inference", raw)

    assert answer.status == 202
    shown = api.get(f"/v2/jobs/{answer.body['inference_job_id']}").body
    assert shown["input"] == {"n": stored}


def test_texts_of_every_script_come_back_as_they_were(api, active_model):
    text = "Zürich 東京 🚆 \u2028 \x7f \t\n"
    body = {"input": {text: [text, {"": None}]}}
    answer = api.post("/v2/models/model_price_reco_v1/versions/1/inference", body)

    assert api.get(f"/v2/jobs/{answer.body['inference_job_id']}").body["input"] == body["input"]
