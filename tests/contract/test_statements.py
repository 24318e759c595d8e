"""How many statements each request takes: a guard against slow creep that no clock would see."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import examples, factories

pytestmark = pytest.mark.django_db

MODEL = f"/v2/models/{examples.MODEL_ID}"
COUNTED = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}
# PostgreSQL inserts a job and what the audit log says of it by one statement, SQLite by two.
JOB_AND_ENTRY = {"WITH": 1} if connection.vendor == "postgresql" else {"INSERT": 2}


def statements(run) -> dict[str, int]:
    """Count the statements of `run` by their first word, those that frame transactions left out."""
    with CaptureQueriesContext(connection) as captured:
        answer = run()
    assert answer.status < 400, answer.body
    words = [query["sql"].split(None, 1)[0] for query in captured.captured_queries]
    return dict(Counter(word for word in words if word in COUNTED))


def test_a_model_is_read_in_one_statement(api, active_model):
    assert statements(lambda: api.get(MODEL)) == {"SELECT": 1}


def test_a_list_of_models_is_one_statement_however_many_there_are(api):
    for number in range(5):
        factories.make_model(f"m{number}")
    assert statements(lambda: api.get("/v2/models?limit=3")) == {"SELECT": 1}


def test_an_update_writes_five_rows_and_looks_four_times(api, active_model):
    """The key's record; the model, locked; whether the version's name is taken; the last input."""
    api.put(MODEL, examples.update_model())
    written = statements(
        lambda: api.put(MODEL, examples.update_model(), headers={"Idempotency-Key": "one"})
    )
    # Version, the key's record, job, the audit log's entry; the model.
    assert written == Counter({"SELECT": 4, "INSERT": 2, "UPDATE": 1}) + Counter(JOB_AND_ENTRY)


def test_an_update_takes_no_more_statements_when_it_has_subscribers(api, active_model):
    """API page, Staleness: "costs the same whether the model has one subscriber or a million"."""

    def tighten(limit: int):
        body = examples.update_model()
        schema = body["handler_contracts"]["inference"]["input_schema"]
        schema["properties"]["features"]["maxItems"] = limit
        return statements(lambda: api.put(MODEL, body))

    api.put(MODEL, examples.update_model())
    without = tighten(5)
    source = factories.make_active_model("source").pk
    for number in range(3):
        factories.make_subscription(
            source, examples.MODEL_ID, input_source="stored", input={"features": [number]}
        )
    assert tighten(6) == without


def test_an_inference_request_is_one_look_and_two_rows(api, active_model):
    body = {"input": {"features": [1, 2]}}
    path = f"{MODEL}/versions/1/inference"
    assert statements(lambda: api.post(path, body)) == {"SELECT": 1, **JOB_AND_ENTRY}
