"""What a body may be: H1 to H7 of the catalogue of hostile input, through the whole stack."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory

pytestmark = pytest.mark.urls("tests.config.urls_for_edge")

JSON = "application/json"


def post(body: bytes | str, content_type: str = JSON, **headers: Any) -> Any:
    return Client().generic("POST", "/v2/echo", body, content_type=content_type, **headers)


def refusal(response: Any, status: int = 400) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["Content-Type"] == JSON
    body = response.json()
    assert body["success"] is False
    assert body["message"]
    return body


def test_an_object_is_taken_as_it_is() -> None:
    sent = (
        '{"é":"日本 \\ud83d\\ude00 \\u005c","n":[-2,3.5,1e22,true,null,{}],"b":9223372036854775807}'
    )
    response = post(sent)
    assert response.status_code == 200
    assert response.json() == json.loads(sent)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no body"),
        (b"   ", "line 1"),
        (b"{", "line 1, column 2"),
        (b'{"a":1}\n x', "line 2, column 2"),
        (b"{'a':1}", "column 2"),
        (b'{"a":01}', "column"),
        (b'{"a":\x01"b"}', "column"),
        (b'{"a":"\t"}', "Invalid control character (line 1"),
        (b'{"a":"\\x"}', "escape"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b"7", "object"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":"\xff"}', "UTF-8 (byte 7)"),
        (b'{"a":"\xc0\xaf"}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
    ],
)
def test_what_is_no_json_object_is_400_and_says_where(body: bytes, says: str) -> None:
    """H4, H7; issue: not JSON, not UTF-8, an array, empty."""
    answer = refusal(post(body))
    assert answer["code"] == "malformed_json"
    assert says in answer["message"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('{"a":{"b":[NaN]}}', [("/a/b/0", "NaN")]),
        ('{"a":Infinity,"b":-Infinity}', [("/a", "Infinity"), ("/b", "-Infinity")]),
        ('{"a":{"b":{"c":1e400}}}', [("/a/b/c", "double")]),
        ('{"a":-1e999}', [("/a", "double")]),
        (f'{{"a":{10**400}}}', [("/a", "64 bits")]),
        (f'{{"a":{2**63}}}', [("/a", "64 bits")]),
        (f'{{"a":{-(2**63) - 1}}}', [("/a", "64 bits")]),
        ('{"a":"x\\u0000y"}', [("/a", "U+0000")]),
        ('{"a":{"\\u0000":1}}', [("/a/\ufffd", "key")]),
        ('{"a":["\\ud800"]}', [("/a/0", "surrogate")]),
        ('{"a":"\\udc00\\ud800"}', [("/a", "surrogate")]),
        ('{"\\uDFFF":1}', [("/\ufffd", "key")]),
        ('{"a":1,"a":2}', [("/a", "more than once")]),
        ('{"x":{"a/b":1,"a\\u002fb":2}}', [("/x/a~1b", "more than once")]),
        ('{"a":NaN,"b":{"c":1,"c":"\\u0000"}}', [("/a", "NaN"), ("/b/c", "once"), ("/b/c", "U+")]),
    ],
)
def test_what_readers_would_take_differently_is_400_with_every_place(
    body: str, faults: list[tuple[str, str]]
) -> None:
    """H3 to H6: NaN, infinite and huge numbers, NUL, lone surrogates, duplicate keys."""
    answer = refusal(post(body))
    assert answer["code"] == "malformed_json"
    found = [(error["path"], error["message"]) for error in answer["errors"]]
    assert [path for path, _ in found] == [path for path, _ in faults]
    for (_, message), (_, says) in zip(found, faults, strict=True):
        assert says in message


@pytest.mark.parametrize(
    ("literal", "read"),
    [
        ("-9223372036854775808", "-9223372036854775808"),
        ("1E+2", "100.0"),
        ("1e-400", "0.0"),
        ("-0.0", "0.0"),
        ("-0", "0"),
        ("12345678901234567890.0", "1.2345678901234567e+19"),
        ('"\\\\u0000"', '"\\\\u0000"'),
        ('"\\ud83d\\ude00"', '"😀"'),
    ],
)
def test_unusual_but_unambiguous_values_are_taken(literal: str, read: str) -> None:
    """H5: "documented result"; -0.0 loses its sign, as in RFC 8785."""
    response = post(f'{{"a":{literal}}}')
    assert response.status_code == 200
    assert response.content.decode() == f'{{"a":{read}}}'


@pytest.mark.parametrize("levels", [1, 64, 100])
def test_a_body_may_nest_a_hundred_levels(levels: int) -> None:
    body = '{"a":' * levels + "1" + "}" * levels
    assert post(body).status_code == 200


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a":"\\\\","b":['])
@pytest.mark.parametrize("levels", [101, 1000, 100_000])
def test_deeper_nesting_is_400_at_once(opening: str, levels: int) -> None:
    """H2: "65 / 1,000 / 100,000 -> 400 envelope in < 100 ms" (the body's own bound is 100)."""
    started = time.thread_time()
    response = post('{"x":' + opening * levels)
    assert time.thread_time() - started < 0.5
    assert "100 levels" in refusal(response)["message"]


@pytest.mark.parametrize(
    "text", ["[" * 101, "\\" * 101 + "[[" * 100, '"[' * 500, "{}[]" * 500, '\\"[[[\\\\"' * 99]
)
def test_brackets_inside_strings_do_not_count(text: str) -> None:
    assert post(json.dumps({"a": text, text: "b"})).json() == {"a": text, text: "b"}


@pytest.mark.parametrize(
    "body",
    [
        "[" * 5_000_000,
        '"' * 5_000_000,
        '"' + '\\"' * 2_500_000,
        "[]," * 1_700_000,
        "\\" * 5_000_000,
    ],
    ids=["brackets", "quotes", "escaped quotes", "pairs", "backslashes"],
)
def test_five_megabytes_of_rubbish_cost_less_than_a_second(body: str) -> None:
    started = time.thread_time()
    refusal(post(body))
    assert time.thread_time() - started < 1.5


def test_a_million_faults_are_not_a_million_messages() -> None:
    answer = refusal(post('{"a":[' + ",".join(["NaN"] * 1_000_000) + "]}"))
    *shown, rest = answer["errors"]
    assert [fault["path"] for fault in shown] == [f"/a/{number}" for number in range(100)]
    assert rest["path"] == ""
    assert "more" in rest["message"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=utf-7",
        "application/json; charset=punycode",
        "application/json; charset=nope",
        "application/json; charset=",
        "application/json; x*=nope''y",
        "application/json;" + "x" * 9000,
    ],
)
def test_another_type_or_charset_is_415(content_type: str) -> None:
    """H7: "application/json (or +json), charset absent or utf-8 else 415"."""
    client = Client()
    if "*" in content_type:  # here the wrapper in config.wsgi has replaced it already
        response = client.generic(
            "POST", "/v2/echo", b"{}", content_type="application/octet-stream"
        )
    else:
        response = client.generic("POST", "/v2/echo", b"{}", content_type=content_type)
    assert refusal(response, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8",
     'application/json;charset="utf-8"', "application/ld+json", "application/json; profile=x"],
)  # fmt: skip
def test_json_by_any_of_its_names_is_taken(content_type: str) -> None:
    assert post(b'{"a":1}', content_type).json() == {"a": 1}


def test_a_body_without_a_type_is_415_and_nothing_at_all_is_400() -> None:
    assert refusal(post(b"{}", CONTENT_TYPE=""), 415)
    assert "no body" in refusal(Client().generic("PUT", "/v2/echo"))["message"]


def test_two_megabytes_of_punycode_are_refused_unread() -> None:
    """H7: "punycode 2 MB answers 415 in < 50 ms" (it took minutes of CPU to decode)."""
    body = b'{"a":"' + b"a-" * 1_000_000 + b'"}'
    started = time.thread_time()
    refusal(post(body, "application/json; charset=punycode"), 415)
    assert time.thread_time() - started < 0.2


def test_the_charset_of_the_body_does_not_decode_the_query() -> None:
    response = Client().generic(
        "GET", "/v2/echo?q=%2BAGE-", content_type="application/json; charset=utf-7"
    )
    assert response.json() == {"query": "+AGE-"}


def test_the_limit_itself_is_taken_and_one_byte_more_is_413(settings: Any) -> None:
    """H1; API page: "413 body over the limit"."""
    settings.BODY_LIMIT_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'{"a":"' + b"x" * 992 + b'"}'
    assert post(body).status_code == 200
    answer = refusal(post(body + b" "), 413)
    assert answer["code"] == "body_too_large"
    assert "1000 bytes" in answer["message"]


def test_two_megabytes_over_the_limit_are_413_without_being_kept(settings: Any) -> None:
    body = b" " * (settings.BODY_LIMIT_BYTES + 2 * 1024 * 1024)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        refusal(post(body), 413)
        # The test client copies the body once; nobody else does.
        assert tracemalloc.get_traced_memory()[1] - before < 2 * len(body)
    finally:
        tracemalloc.stop()


def test_a_content_length_beyond_all_numbers_is_413() -> None:
    refusal(post(b"{}", CONTENT_LENGTH="9" * 40), 413)


@pytest.mark.parametrize("length", ["0", "", "-5", "abc"])
def test_a_missing_or_senseless_length_is_400(length: str) -> None:
    """H7: "empty or missing length -> 400"; never {} by silence."""
    assert "no body" in refusal(post(b'{"a":1}', CONTENT_LENGTH=length))["message"]


def test_the_body_of_a_get_is_ignored() -> None:
    response = Client().generic("GET", "/v2/echo", b"not json", content_type="text/plain")
    assert response.status_code == 200


def test_django_does_not_yet_read_a_chunked_body_itself() -> None:
    """Its ticket 35838: once it does, `make_body_readable` needs no stream of its own."""
    environ = RequestFactory()._base_environ(REQUEST_METHOD="PUT")
    chunked = {"wsgi.input": io.BytesIO(b"{}"), "wsgi.input_terminated": True}
    request = WSGIRequest({**environ, **chunked})

    assert request.body == b""


def test_who_may_not_come_in_is_told_so_before_the_body_is_read() -> None:
    response = Client().generic("POST", "/v2/locked", b"not json", content_type="text/plain")
    assert refusal(response, 401)["code"] == "authentication_failed"
    assert refusal(Client().generic("POST", "/v2/locked"), 401)
