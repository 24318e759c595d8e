"""H8: nothing is ever fetched, neither when a contract is written nor when it is used."""

from __future__ import annotations

import contextlib
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from models_registry.contracts import check_contract, check_payload, payloads
from models_registry.contracts.factory import make_validator

LEAVES = "The reference leaves the document; nothing is fetched."


class Canary(HTTPServer):
    """A server that counts who asks it."""

    hits = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.hits += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"true")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def canary() -> Iterator[Canary]:
    server = Canary(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


REMOTE = {
    "$ref over http": lambda url: {"$ref": f"{url}/a.json"},
    "$dynamicRef over http": lambda url: {"$dynamicRef": f"{url}/a.json#x"},
    "$ref in $defs that nothing uses": lambda url: {"$defs": {"a": {"$ref": f"{url}/a.json"}}},
    "relative to an $id": lambda url: {"$id": f"{url}/root.json", "$ref": "other.json"},
    "relative to an $id inside": lambda url: {
        "properties": {"a": {"$id": f"{url}/a/", "items": {"$ref": "b.json"}}}
    },
    "another $schema": lambda url: {"$schema": f"{url}/meta.json"},
    "another $schema inside": lambda url: {
        "$defs": {"a": {"$id": f"{url}/a.json", "$schema": f"{url}/meta.json"}}
    },
    "fragment of a remote document": lambda url: {"items": {"$ref": f"{url}/a.json#/$defs/b"}},
    "a file": lambda url: {"$ref": "file:///etc/passwd"},
    "a file by its host": lambda url: {"$ref": "file://localhost/etc/passwd"},
    "without a scheme": lambda url: {"$ref": f"{url.removeprefix('http:')}/a.json"},
    "in unusual case": lambda url: {"$ref": f"{url.upper()}/a.json"},
    "the meta-schema": lambda url: {"$ref": "https://json-schema.org/draft/2020-12/schema"},
}


@pytest.mark.parametrize("make", REMOTE.values(), ids=REMOTE)
def test_what_leaves_the_document_is_refused_and_never_asked_for(canary: Canary, make):
    schema = make(canary.url)
    assert check_contract(schema)
    assert check_payload(schema, {"a": [1]})  # an unchecked contract is not used either
    with contextlib.suppress(ValueError):
        make_validator(schema).is_valid({"a": [1]})
    assert canary.hits == 0


def test_the_canary_sings_when_it_is_asked(canary: Canary):
    urllib.request.urlopen(canary.url).close()
    assert canary.hits == 1


def test_a_file_is_not_read_and_not_quoted(tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"const": "topsecret"}')
    schema = {"$ref": secret.as_uri()}
    faults = [*check_contract(schema), *check_payload(schema, 1)]
    assert "topsecret" not in str(faults)
    assert check_contract(schema)[0] == ("/$ref", LEAVES)


@pytest.mark.parametrize(
    "name",
    [
        "tag:example.com,2024:price",
        "urn:uuid:0190b4c2-0000-7000-8000-000000000001",
        "https://example.com/schemas/user@2",
        "https://example.com/schema(1);a=b$c!d*e'f",
    ],
)
def test_a_document_may_have_any_name_that_is_read_in_one_way(name):
    schema = {
        "$id": name,
        "$defs": {"n": {"type": "number"}},
        "items": {"$ref": f"{name}#/$defs/n"},
    }

    assert check_contract(schema) == []
    assert check_payload(schema, [1]) == []
    assert [fault.path for fault in check_payload(schema, ["x"])] == ["/0"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": "https://example.com/root.json", "$ref": "#/$defs/a", "$defs": {"a": {}}},
        {"$id": "https://example.com/root.json", "items": {"$ref": "root.json"}},
        {"$ref": "item.json", "$defs": {"a": {"$id": "item.json", "type": "string"}}},
        {"$ref": "urn:example:item", "$defs": {"a": {"$id": "urn:example:item"}}},
        {"$ref": "#here", "$defs": {"a": {"$anchor": "here"}}},
        {"$ref": "#/vocabulary/of/mine", "vocabulary": {"of": {"mine": {"type": "string"}}}},
        {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}},
        {"enum": [{"$ref": "https://example.com/a.json"}]},
        {"const": {"$ref": "https://example.com/a.json", "$id": "::"}},
        {"default": {"$ref": "https://example.com/a.json"}, "examples": [{"$schema": "x"}]},
        {"x-mine": {"$ref": "https://example.com/a.json"}},
    ],
)
def test_references_inside_the_document_and_data_that_looks_like_one_are_fine(schema):
    assert check_contract(schema) == []


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"$ref": "#/$defs/nowhere"}, "/$ref"),
        ({"items": {"$ref": "#nowhere"}}, "/items/$ref"),
        ({"$ref": "#/enum/0", "enum": ["no schema"]}, "/$ref"),
        ({"$dynamicRef": "#nowhere"}, "/$dynamicRef"),
        ({"x-mine": {"$ref": "gone.json"}, "$ref": "#/x-mine"}, "/x-mine/$ref"),
        ({"$defs": {"a": {"$id": "a.json"}, "b": {"$id": "a.json"}}}, "/$defs/b/$id"),
        ({"$defs": {"a": {"$anchor": "a"}, "b": {"$anchor": "a"}}}, "/$defs/b/$anchor"),
        ({"$defs": {"a": {"$id": "http://x/a/../b.json"}}}, "/$defs/a/$id"),
    ],
)
def test_references_that_lead_nowhere_or_could_be_taken_two_ways_are_refused(schema, path):
    assert [fault.path for fault in check_contract(schema)] == [path]


@pytest.mark.parametrize(
    "schema",
    [
        {"examples": [{"type": "string"}], "items": {"$ref": "#/examples/0"}},
        {"deprecated": True, "items": {"$ref": "#/deprecated"}},
        {"properties": {"a": {"readOnly": True}}, "items": {"$ref": "#/properties/a/readOnly"}},
        {
            "$defs": {"t": {"$id": "https://a.invalid/t", "examples": [{}]}},
            "items": {"$ref": "https://a.invalid/t#/examples/0"},
        },
    ],
)
def test_a_reference_into_an_annotation_is_refused(schema):
    """Annotations are left out where contracts are compared; so nothing may depend on one."""
    (fault,) = check_contract(schema)

    assert fault.path == "/items/$ref"
    assert "annotation" in fault.message


@pytest.mark.parametrize(
    "schema",
    [
        {
            "properties": {"examples": {"type": "string"}},
            "items": {"$ref": "#/properties/examples"},
        },
        {"$defs": {"title": {"type": "string"}}, "items": {"$ref": "#/$defs/title"}},
        {"x-parts": {"title": {"type": "string"}}, "items": {"$ref": "#/x-parts/title"}},
    ],
)
def test_what_only_has_the_name_of_an_annotation_may_be_referred_to(schema):
    assert check_contract(schema) == []
    assert check_payload(schema, [1]) != []


def test_a_reference_into_an_annotation_that_an_earlier_release_accepted_is_followed():
    """A rule for new contracts is no reason to refuse all payloads of a stored one."""
    schema = {"examples": [{"type": "string"}], "items": {"$ref": "#/examples/0"}}
    assert check_contract(schema) != []
    assert check_payload(schema, ["a"]) == []
    assert [fault.path for fault in check_payload(schema, [1])] == ["/0"]


@pytest.mark.parametrize(
    "examples",
    [
        [{"$ref": "https://a.invalid/"}],
        [{"$ref": "#/examples/0"}],
        [{"allOf": [{"pattern": "[ab]*a[ab]{9000}c"}] * 2}],
    ],
)
def test_what_such_a_reference_leads_to_is_held_to_what_keeps_workers_safe(examples):
    """H8, H9: nothing is fetched, nothing leads back to itself, nothing takes long."""
    schema = {"examples": examples, "items": {"$ref": "#/examples/0"}}
    assert check_payload(schema, ["a"]) == [payloads.UNUSABLE]


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_an_empty_reference_is_refused_since_it_would_say_nothing(keyword):
    """RFC 3986: it is the document itself, but not to the validator."""
    (fault,) = check_contract({"properties": {"a": {keyword: ""}}})
    assert fault.path == f"/properties/a/{keyword}"
    assert check_contract({"properties": {"a": {keyword: "#"}}}) == []
