"""How many statements work in the background takes: the same guard as for requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from models_registry.queue.claim import claim_job
from models_registry.queue.worker import call_handler, work_through
from subscriptions.models import Revalidation
from subscriptions.revalidation import chunks, runs
from tests import examples, factories

pytestmark = pytest.mark.django_db

COUNTED = {"SELECT", "INSERT", "UPDATE", "DELETE"}


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Count the statements of a block by their first word, those of transactions left out."""
    found: dict[str, int] = {}
    with CaptureQueriesContext(connection) as captured:
        yield found
    words = (query["sql"].split(None, 1)[0] for query in captured.captured_queries)
    found.update(Counter(word for word in words if word in COUNTED))


def statements_of_inference(model_id: str) -> dict[str, int]:
    job = factories.ask_inference(model_id, features=[1])
    with counted() as found:
        call_handler(claim_job(job.pk))
    return found


def test_a_job_that_is_answered_is_claimed_in_one_statement_and_ended_in_another(
    scripted, active_model
):
    """Its version is read, and whether anybody waits for it."""
    assert statements_of_inference(examples.MODEL_ID) == {"UPDATE": 2, "SELECT": 2}


def test_a_training_is_claimed_with_its_version_and_left_to_call_back(scripted, model):
    job = factories.ask_training()
    with counted() as found:
        call_handler(claim_job(job.pk))
    # The version goes from pending to training.
    assert found == {"UPDATE": 3, "SELECT": 1}


def test_looking_for_another_job_is_one_statement(scripted, active_model):
    with counted() as found:
        work_through([], synchronous=True)
    assert found == {"UPDATE": 1}


def test_an_event_takes_four_statements_more_however_many_subscriptions_it_fires(
    scripted, active_model
):
    factories.make_active_model("target")
    counts = []
    for number in range(3):
        factories.make_subscription(
            examples.MODEL_ID,
            "target",
            trigger_event="inference_complete",
            target_action="inference",
            input_source="stored",
            input={"features": [number]},
        )
        counts.append(statements_of_inference(examples.MODEL_ID))
    # Which ones fire; their jobs and the record of each; what the answer says of them.
    assert counts == [{"UPDATE": 3, "SELECT": 3, "INSERT": 2}] * 3


def test_a_revalidation_takes_the_same_statements_for_one_payload_and_for_twenty(active_model):
    source = factories.make_active_model("source").pk
    counts = []
    for payloads in (1, 19):
        factories.change_model(handler_contracts=None)
        for number in range(payloads):
            factories.make_subscription(
                source, examples.MODEL_ID, input_source="stored", input={"features": [str(number)]}
            )
        counts.append(statements_of_revalidation())
    assert counts[0] == counts[1]
    assert sum(counts[0].values()) <= 20


def test_a_revalidation_reads_its_contract_once_and_not_with_each_chunk(active_model, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    source = factories.make_active_model("source").pk
    factories.change_model(handler_contracts=None)
    for _ in range(5):
        factories.make_subscription(
            source, examples.MODEL_ID, input_source="stored", input={"features": []}
        )
    factories.change_model()
    run = Revalidation.objects.latest("created_at")
    with CaptureQueriesContext(connection) as captured:
        assert not runs.work_through(run.pk)

    assert sum('"schema"' in query["sql"] for query in captured.captured_queries) == 1


def statements_of_revalidation() -> dict[str, int]:
    """Tighten the contract so that no payload fits, and count what checking them takes."""
    factories.change_model()
    run = Revalidation.objects.latest("created_at")
    with counted() as found:
        assert not runs.work_through(run.pk)
    run.refresh_from_db()
    assert run.status == "success"
    assert run.invalid == run.checked > 0
    return found
