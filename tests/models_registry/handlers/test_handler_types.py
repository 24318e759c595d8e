"""A handler type that nothing outside its module knows is accepted, dispatched and documented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db.models import F
from django.db.models.functions import Now
from drf_spectacular.generators import SchemaGenerator

from models_registry.errors import Fault
from models_registry.handlers import HANDLERS, Accepted, Answered, Outcome, Refusal
from models_registry.models import Job
from models_registry.queue import wakeups
from models_registry.queue.due_jobs import callable_jobs
from models_registry.queue.sweeper import sweep
from models_registry.queue.worker import work_through
from tests.api_client import Api
from tests.contract.document import Document
from tests.examples import create_model
from tests.factories import ask_inference, ask_training, make_active_model, make_subscription

pytestmark = pytest.mark.django_db

CALL_SECONDS, EVENT_BYTES = 17, 20_000
MAIL = {"type": "mail", "address": "train@example.org"}
HANDLERS_OF_MAIL = {"training": MAIL, "inference": MAIL}


class MailHandler:
    """Unlike Lambda by default, a training is synchronous and an inference is not."""

    named_by = "address"
    schema_name = "MailHandler"

    def __init__(self) -> None:
        self.called: list[str] = []
        self.lease_seconds: float | None = None

    def openapi_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "type": {"type": "string", "const": "mail"},
                "address": {"type": "string"},
            },
            "required": ["type", "address"],
            "additionalProperties": False,
        }

    def faults(self, handler: dict[str, Any]) -> tuple[list[Fault], list[Fault]]:
        return ([] if "address" in handler else [Fault("/address", "Required.")]), []

    def is_synchronous(self, job_type: str) -> bool:
        return job_type == "training"

    def longest_call_seconds(self, job_type: str) -> int:
        return CALL_SECONDS

    def max_event_bytes(self, job_type: str) -> int:
        return EVENT_BYTES

    def invoke(self, *, handler: dict[str, Any], event: bytes, job_type: str) -> Outcome:
        self.called.append(job_type)
        job = Job.objects.annotate(left=F("due_at") - Now()).get(dispatch="claimed")
        assert isinstance(job.left, timedelta)
        self.lease_seconds = job.left.total_seconds()
        return Answered({}) if self.is_synchronous(job_type) else Accepted("")

    def dry_run(self, handler: dict[str, Any]) -> Refusal | None:
        return None


@pytest.fixture
def mail(monkeypatch) -> MailHandler:
    handler = MailHandler()
    monkeypatch.setitem(HANDLERS, "mail", handler)
    return handler


@pytest.fixture
def woken(monkeypatch) -> list[wakeups.WakeUp]:
    found: list[wakeups.WakeUp] = []
    monkeypatch.setattr(wakeups.publisher, "hand_over", lambda wakeup, ids: found.append(wakeup))
    return found


def test_it_is_in_the_openapi_document_and_accepted_by_the_api(mail):
    document = SchemaGenerator().get_schema(request=None, public=True)
    schemas = document["components"]["schemas"]
    assert schemas["MailHandler"] == mail.openapi_schema()
    assert {"$ref": "#/components/schemas/MailHandler"} in schemas["Handler"]["oneOf"]

    api = Api(Document(document))
    body = create_model(id="by-mail", handlers=HANDLERS_OF_MAIL)
    assert api.post("/v2/models", body).status == 201
    assert api.get("/v2/models/by-mail").body["model"]["handlers"] == HANDLERS_OF_MAIL


def test_its_jobs_are_dispatched_and_leased_by_its_own_limit(mail, settings):
    make_active_model("by-mail", handlers=HANDLERS_OF_MAIL)
    job = ask_training("by-mail")
    work_through([str(job.pk)], synchronous=True)

    assert Job.objects.get().status == "success"
    assert mail.lease_seconds == pytest.approx(
        settings.DISPATCH_LEASE_SECONDS + CALL_SECONDS, abs=2
    )


def test_each_kind_of_worker_finds_the_jobs_of_every_type_that_are_called_its_way(mail, scripted):
    make_active_model("by-mail", handlers=HANDLERS_OF_MAIL)
    make_active_model("by-lambda")
    for model_id in ("by-lambda", "by-mail"):
        ask_training(model_id)
        ask_inference(model_id)

    def found(*, synchronous: bool) -> list[tuple[str, str]]:
        ids = [job_id for job_id, _ in callable_jobs([], synchronous=synchronous)]
        jobs = Job.objects.in_bulk(ids)
        assert len(jobs) == len(ids)
        return sorted((job.model_id, job.job_type) for job in jobs.values())

    waited_for = [("by-lambda", "inference"), ("by-mail", "training")]
    by_callback = [("by-lambda", "training"), ("by-mail", "inference")]
    assert (found(synchronous=True), found(synchronous=False)) == (waited_for, by_callback)
    work_through([], synchronous=True)
    assert sorted((call.event["model_id"], call.job_type) for call in scripted.calls) == waited_for
    work_through([], synchronous=False)
    assert len(scripted.calls) == 4


def test_the_workers_that_are_woken_are_those_of_its_calls(
    mail, woken, django_capture_on_commit_callbacks
):
    make_active_model("by-mail", handlers=HANDLERS_OF_MAIL)
    for ask, wakeup in (
        (ask_training, wakeups.DISPATCH_WAITING_CALLS),
        (ask_inference, wakeups.DISPATCH_EVENTS),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            ask("by-mail")
        assert woken == [wakeup]
        woken.clear()
    sweep()
    assert set(woken) == {wakeups.DISPATCH_WAITING_CALLS, wakeups.DISPATCH_EVENTS}


def test_an_event_larger_than_it_takes_is_refused_when_asked_for_and_when_fired(mail, api):
    make_active_model("by-mail", handlers=HANDLERS_OF_MAIL)
    large = {"input": {"text": "x" * EVENT_BYTES}}
    answer = api.post("/v2/models/by-mail/versions/1/training", large)
    assert (answer.status, answer.body["code"]) == (422, "event_too_large")

    make_active_model("source")
    make_subscription(
        "source",
        "by-mail",
        input_source="trigger_output",
        trigger_event="inference_complete",
        target_action="training",
    )
    job = ask_inference("source")
    done = api.post(
        f"/v2/models/source/versions/1/jobs/{job.pk}/complete",
        {"status": "success", "output": {"text": "x" * EVENT_BYTES}},
    )
    (entry,) = done.body["triggered_events"]
    assert "larger than it takes" in entry["error"]


def test_a_call_that_could_outlast_its_task_is_refused_at_start(mail, settings):
    assert [each for each in run_checks() if each.id == "modelpact.E004"] == []
    settings.HANDLER_CALL_LIMIT_SECONDS = CALL_SECONDS - 1
    faults = [each.msg for each in run_checks() if each.id == "modelpact.E004"]
    assert any("'mail'" in fault for fault in faults)
