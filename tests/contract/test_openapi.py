"""The OpenAPI document: valid, complete, committed, and with the ids that the API page owes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator

COMMITTED = Path(__file__).parent / "openapi.json"
RENEW = "manage.py spectacular --format openapi-json --file tests/contract/openapi.json"

# The API page's own list, and what it says we added.
OWED = """listModels createModel getModel updateModel createModelVersion setModelVersionStatus
inferModelVersion completeModelJob listModelEventSubscriptions createModelEventSubscription
updateModelEventSubscription"""
OURS = """deleteModel listModelVersions getModelVersion trainModelVersion listModelJobs
getModelVersionJob listJobs getJob getModelEventSubscription deleteModelEventSubscription
getHealth"""

DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text())


def _operations() -> Iterator[Any]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield pytest.param(path, method, operation, id=operation["operationId"])


each_operation = pytest.mark.parametrize(("path", "method", "operation"), list(_operations()))


def test_the_committed_document_is_the_one_that_is_served():
    made = SchemaGenerator().get_schema(request=None, public=True)

    assert json.loads(json.dumps(made)) == DOCUMENT, f"renew it: {RENEW}"


def test_the_document_is_valid_openapi():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_is_served_without_a_token(client, db):
    response = client.get("/v2/openapi.json")

    assert response.status_code == 200
    assert json.loads(response.content)["info"] == DOCUMENT["info"]


def test_every_operation_of_the_api_page_has_its_id():
    ids = {operation.values[2]["operationId"] for operation in _operations()}

    assert set(OWED.split()) | set(OURS.split()) <= ids


@each_operation
def test_an_operation_says_what_it_is_and_shows_what_it_answers(path, method, operation):
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    for status, response in operation["responses"].items():
        assert response["description"]
        for media in response.get("content", {}).values():
            assert media["examples"], f"{status} shows no example"


@each_operation
def test_an_operation_documents_its_refusals(path, method, operation):
    statuses = set(operation["responses"])
    expected = {"400", "406", "500"}  # 400: a query parameter that there is not
    if operation["operationId"] != "getHealth":
        expected |= {"401", "403", "503"}
        assert operation["security"] == [{"bearer": []}]
    else:
        assert operation.get("security", []) == []
    if "requestBody" in operation:
        expected |= {"413", "415"}
        assert operation["requestBody"]["required"], "every POST and PUT has a body"
    if "{" in path:
        expected |= {"404"}
    assert expected <= statuses


@each_operation
def test_every_example_fits_its_schema(path, method, operation):
    media_types = [
        media
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for media in part.get("content", {}).values()
    ]
    for media in media_types:
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        for name, example in media["examples"].items():
            assert validator.is_valid(example["value"]), f"{name} does not fit"


@each_operation
def test_a_422_points_at_what_the_body_of_its_operation_has_or_at_the_whole(
    path, method, operation
):
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = media.get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = DOCUMENT["components"]["schemas"].get(name, schema).get("properties", {})
    refused = operation["responses"].get("422", {}).get("content", {})
    for example in refused.get("application/json", {}).get("examples", {}).values():
        for fault in example["value"].get("errors", []):
            assert fault["path"] == "" or fault["path"].split("/")[1] in fields


def test_a_parameter_of_every_path_is_described():
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            described = {
                each["name"] for each in operation.get("parameters", []) if each["in"] == "path"
            }
            assert described == set(re.findall(r"{(\w+)}", path))


def test_handlers_are_told_apart_by_their_type():
    handler = DOCUMENT["components"]["schemas"]["Handler"]

    assert handler["discriminator"]["propertyName"] == "type"
    assert set(handler["discriminator"]["mapping"]) == {"lambda"}


@pytest.mark.parametrize("query", ["version=a%0d%0aX-Y:1", 'version="', "lang=%00", "format=yaml"])
def test_the_document_is_the_same_whatever_the_query(client, db, query):
    """It is public: nobody's text may get into its headers, or make it anew."""
    plain, asked = client.get("/v2/openapi.json"), client.get(f"/v2/openapi.json?{query}")

    assert (asked.status_code, asked.content) == (200, plain.content)
    assert dict(asked.headers) | {"X-Request-ID": ""} == dict(plain.headers) | {"X-Request-ID": ""}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/vnd.oai.openapi+json"),
        ("application/json", "application/json"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
    ],
)
def test_the_document_comes_as_what_was_asked_for(client, db, accept, media_type):
    response = client.get("/v2/openapi.json", headers={"Accept": accept})

    assert response["Content-Type"] == media_type


@pytest.mark.parametrize("path", ["/v2/openapi.json", "/v2/docs", "/v2/redoc"])
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_the_document_and_its_pages_are_only_read(client, db, path, method):
    response = client.generic(method, path)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert response.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("page", ["/v2/docs", "/v2/redoc"])
def test_the_pages_load_nothing_from_elsewhere(client, db, page):
    """ "Served from the package's own files (no CDN)." """
    text = client.get(page, headers={"Accept": "text/html"}).content.decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', text)

    assert loaded
    for address in loaded:
        assert address.startswith("/"), f"{page} loads {address}"
        response = client.get(address)
        assert response.status_code == 200
        response.close()
