"""The check of answers against the document notices each way in which they can differ."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.document import Document, Drift, Exchange

ENVELOPE = {"success": False, "message": "No."}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.1",
    "paths": {
        "/v2/models/{model_id}": {
            "get": {
                "operationId": "getModel",
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Model"}}
                        },
                    },
                    "304": {"description": "Unchanged."},
                },
            },
            "put": {
                "operationId": "updateModel",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Model"}}
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Model"}}
                        }
                    }
                },
            },
        },
        "/v2/models/special": {
            "get": {"operationId": "getSpecial", "responses": {"204": {"description": "None."}}}
        },
    },
    "components": {
        "schemas": {
            "Model": {
                "type": "object",
                "required": ["id", "metadata"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "metadata": {"type": "object", "additionalProperties": {}},
                },
            }
        }
    },
}
MODEL = {"id": "01a2089c-104b-73cf-b54f-713c3a4a2fd9", "metadata": {"team": "pricing"}}


def _exchange(**changed: Any) -> Exchange:
    fields: dict[str, Any] = {
        "method": "GET",
        "path": "/v2/models/one",
        "status": 200,
        "body": MODEL,
        "content_type": "application/json",
        "headers": {"ETag": '"1"'},
    }
    return Exchange(**(fields | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"path": "/v2/models/one?limit=2"},
        {"path": "/v2/models/o%6Ee"},
        {"method": "HEAD", "body": None},
        {"status": 304, "body": None},
        {"method": "PUT", "request_body": MODEL},
        {"path": "/v2/models/special", "status": 204, "body": None},
        {"path": "/v2/nothing", "status": 404, "body": ENVELOPE},
        {"path": "/v2/models/a%2Fb", "status": 404, "body": ENVELOPE},
        {"method": "POST", "status": 405, "body": ENVELOPE, "headers": {"Allow": "GET, PUT"}},
    ],
)
def test_what_the_document_foresees_passes(changed):
    Document(DOCUMENT).check(_exchange(**changed))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": 202}, "documents"),
        ({"status": 500, "body": ENVELOPE}, "documents"),
        ({"body": {**MODEL, "id": 7}}, "id: "),
        ({"body": {**MODEL, "id": "seven"}}, "id: "),
        ({"body": {"id": MODEL["id"]}}, "metadata"),
        ({"body": {**MODEL, "secret": 1}}, "secret"),
        ({"body": None}, "not as documented"),
        ({"headers": {}}, "ETag"),
        ({"content_type": "text/html"}, "text/html"),
        ({"status": 304}, "without a body"),
        ({"path": "/v2/models/one?page=2"}, "page"),
        ({"request_body": {}}, "the document has none"),
        ({"method": "PUT", "request_body": {"id": "x"}}, "accepted the body"),
        ({"path": "/v2/nothing"}, "unknown path"),
        ({"path": "/v2/nothing", "status": 404, "body": "<html>"}, "envelope"),
        ({"method": "POST", "status": 404, "body": ENVELOPE}, "unknown method"),
        ({"method": "POST", "status": 405, "body": ENVELOPE}, "what is allowed"),
    ],
)
def test_what_the_document_does_not_foresee_fails(changed, reason):
    with pytest.raises(Drift, match=reason):
        Document(DOCUMENT).check(_exchange(**changed))


def test_a_refusal_must_have_a_code_that_is_shown_for_its_status():
    shown = {"value": {**ENVELOPE, "code": "model_not_found"}}
    media = {"application/json": {"schema": {}, "examples": {"One": shown}}}
    item = {"get": {"responses": {"404": {"description": "", "content": media}}}}
    document = Document({**DOCUMENT, "paths": {"/v2/models/{model_id}": item}})

    document.check(_exchange(status=404, body=shown["value"]))
    for code in ("not_found", None):
        with pytest.raises(Drift, match="is not among those shown"):
            document.check(_exchange(status=404, body={**ENVELOPE, "code": code}))


def test_refused_requests_need_not_fit_the_document():
    refused = {"400": {"description": "", "content": {"application/json": {"schema": {}}}}}
    put = DOCUMENT["paths"]["/v2/models/{model_id}"]["put"]
    item = {"put": {**put, "responses": refused}}
    document = Document({**DOCUMENT, "paths": {"/v2/models/{model_id}": item}})
    document.check(_exchange(method="PUT", status=400, body=ENVELOPE, request_body={"id": 7}))
