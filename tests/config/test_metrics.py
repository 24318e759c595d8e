"""`GET /metrics`: who may read it, what it counts, and that no label grows with what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import OperationalError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import metrics
from models_registry import tasks
from models_registry.contracts import check_payload
from models_registry.handlers import Answered, Failed, Retry
from models_registry.models import Job
from models_registry.queue import sweeper, wakeups
from subscriptions import tasks as background
from subscriptions.impact import reports
from subscriptions.models import Revalidation
from subscriptions.revalidation import runs
from tests.contract.operations import MODEL
from tests.factories import ask_inference, ask_training, change_model, make_subscription

TOKEN = "t" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PASSING = {"code": "lambda_throttled", "message": "Later."}


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Iterator[None]:
    """Read the database anew, whatever an earlier test has left."""
    for collector in metrics.COLLECTORS:
        collector.clear()
    yield
    for collector in metrics.COLLECTORS:
        collector.clear()


@pytest.fixture
def read(client, db, settings):
    """The value of one sample, by its name and labels; 0 where there is none yet."""
    settings.MONITORING_TOKEN = TOKEN

    def value(name: str, **labels: str) -> float:
        for collector in metrics.COLLECTORS:
            collector.clear()
        response = client.get("/metrics", headers=BEARER)
        assert response.status_code == 200
        for family in text_string_to_metric_families(response.content.decode()):
            for sample in family.samples:
                if sample.name == f"modelpact_{name}" and sample.labels == labels:
                    return sample.value
        return 0.0

    return value


# --- Who may read it --------------------------------------------------------------------------
def test_without_a_token_there_is_nothing_in_production(client, db, settings):
    settings.EMBEDDED = False

    assert client.get("/metrics").status_code == 404


def test_the_embedded_default_shows_it_to_this_machine_alone(client, db, settings):
    settings.EMBEDDED = True
    elsewhere = {"REMOTE_ADDR": "10.0.0.1"}

    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", **elsewhere).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 404


@pytest.mark.parametrize(
    "sent",
    [{}, {"Authorization": TOKEN}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer é"}],
)
def test_with_a_token_nobody_reads_it_without(client, db, settings, sent):
    settings.MONITORING_TOKEN = TOKEN
    response = client.get("/metrics", headers=sent)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert b"modelpact_" not in response.content


def test_it_is_only_read(client, db, settings):
    settings.MONITORING_TOKEN = TOKEN

    assert client.post("/metrics", headers=BEARER).status_code == 405


def test_a_token_that_could_be_guessed_is_reported(settings):
    settings.MONITORING_TOKEN = "short"

    assert "modelpact.E002" in [message.id for message in run_checks(tags=["security"])]


def test_a_scraper_is_not_sent_to_https(client, db, settings):
    settings.SECURE_SSL_REDIRECT, settings.MONITORING_TOKEN = True, TOKEN

    assert client.get("/metrics", headers=BEARER).status_code == 200


# --- What is counted --------------------------------------------------------------------------
def test_requests_are_counted_by_route_and_never_by_id(api, read, active_model):
    route = {"method": "GET", "route": "/v2/models/{model_id}"}
    before = read("http_request_duration_seconds_count", status="404", **route)
    for number in range(3):
        api.get(f"/v2/models/nobody-{number}")

    assert read("http_request_duration_seconds_count", status="404", **route) == before + 3


def test_paths_and_methods_that_a_caller_makes_up_are_one(client, read):
    for number in range(3):
        client.get(f"/v2/made-up-{number}")
        client.generic(f"MADEUP{number}", "/v2/health")
    shown = client.get("/metrics", headers=BEARER).content.decode()

    assert "made-up" not in shown
    assert "MADEUP" not in shown
    assert 'method="OTHER",route="/v2/health"' in shown
    assert 'method="GET",route="(none)"' in shown


def test_jobs_that_end_are_counted_once_their_end_is_committed(
    read, active_model, scripted, run_due_jobs, django_capture_on_commit_callbacks
):
    ended = ("jobs_ended_total", {"job_type": "inference", "outcome": "success"})
    calls = ("handler_call_duration_seconds_count", {"job_type": "inference"})
    waits = ("dispatch_latency_seconds_count", {"job_type": "inference"})
    before = read(ended[0], **ended[1])
    called = read(calls[0], outcome="answered", **calls[1])
    waited = read(waits[0], **waits[1])
    ask_inference()
    scripted.outcomes.append(Answered({}))
    with django_capture_on_commit_callbacks() as callbacks:
        run_due_jobs()
    assert read(ended[0], **ended[1]) == before
    for callback in callbacks:
        callback()

    assert read(ended[0], **ended[1]) == before + 1
    assert read(calls[0], outcome="answered", **calls[1]) == called + 1
    assert read(waits[0], **waits[1]) == waited + 1


def test_a_failure_is_counted_as_one(
    read, active_model, scripted, run_due_jobs, django_capture_on_commit_callbacks
):
    labels = {"job_type": "inference", "outcome": "failure"}
    before = read("jobs_ended_total", **labels)
    ask_inference()
    scripted.outcomes.append(Failed({"code": "x", "message": "x"}))
    with django_capture_on_commit_callbacks(execute=True):
        run_due_jobs()

    assert read("jobs_ended_total", **labels) == before + 1


def test_retries_are_counted_and_not_taken_for_first_calls(
    read, active_model, scripted, run_due_jobs
):
    before = read("dispatch_retries_total", job_type="training")
    waited = read("dispatch_latency_seconds_count", job_type="training")
    job = ask_training()
    scripted.outcomes.extend([Retry(PASSING), Retry(PASSING)])
    for _ in range(2):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        run_due_jobs()

    assert read("dispatch_retries_total", job_type="training") == before + 2
    assert read("dispatch_latency_seconds_count", job_type="training") == waited + 1


def test_what_sweeps_find_is_counted(read, active_model):
    job = ask_training()
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(status="started", dispatch="dispatched", due_at=past)
    assert read("overdue_jobs") == 1
    names = {finding: read("sweep_findings_total", finding=finding) for finding in FINDINGS}
    tasks.sweep()
    background.sweep_revalidations()
    background.sweep_reports()
    after = {finding: read("sweep_findings_total", finding=finding) for finding in FINDINGS}

    assert after == {**names, "jobs_overdue": names["jobs_overdue"] + 1}
    assert read("overdue_jobs") == 0


FINDINGS = (
    *sweeper.Findings.__annotations__,
    *runs.Findings.__annotations__,
    *reports.Findings.__annotations__,
)


def test_messages_that_the_broker_did_not_take_are_counted(read, monkeypatch):
    before = read("hints_not_sent_total")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError

    monkeypatch.setattr(wakeups, "_send", fail)
    for _ in range(wakeups.FAILURES_BEFORE_PAUSE + 2):
        wakeups.publish(tasks.sweep.name)

    assert read("hints_not_sent_total") == before + wakeups.FAILURES_BEFORE_PAUSE + 2


def test_the_cache_of_validators_is_counted(read):
    hit, miss = (read("validator_cache_lookups_total", result=kind) for kind in ("hit", "miss"))
    schema = {"type": "object", "description": "only here, in test_metrics"}
    for _ in range(3):
        check_payload(schema, {})

    assert read("validator_cache_lookups_total", result="miss") == miss + 1
    assert read("validator_cache_lookups_total", result="hit") == hit + 2


# --- What the database says -------------------------------------------------------------------
def test_open_jobs_and_the_age_of_the_oldest(read, active_model):
    pending = {"job_type": "inference", "status": "pending"}
    assert read("open_jobs", **pending) == 0
    assert read("oldest_pending_job_age_seconds", job_type="inference") == 0
    old, _ = ask_inference(), ask_inference()
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(seconds=90))

    assert read("open_jobs", **pending) == 2
    assert read("open_jobs", job_type="training", status="started") == 0
    assert 90 <= read("oldest_pending_job_age_seconds", job_type="inference") < 150
    assert read("database_up") == 1


def test_stale_subscriptions_and_the_progress_of_their_revalidation(read, active_model):
    make_subscription(MODEL, MODEL)
    assert read("stale_subscriptions") == 0
    change_model(handler_contracts={"inference": {"input_schema": {"type": "object"}}})

    assert read("stale_subscriptions") == 1
    assert read("revalidation_runs") == Revalidation.objects.count() > 0
    assert read("revalidation_payloads", state="checked") == 0


def test_the_database_is_asked_once_in_some_seconds(
    client, db, settings, active_model, django_assert_num_queries
):
    settings.MONITORING_TOKEN = TOKEN
    client.get("/metrics", headers=BEARER)
    ask_inference()

    with django_assert_num_queries(0):
        shown = client.get("/metrics", headers=BEARER).content.decode()
    assert 'modelpact_open_jobs{job_type="inference",status="pending"} 0.0' in shown


def test_what_is_counted_is_shown_while_the_database_is_away(read, monkeypatch):
    def fail() -> None:
        raise OperationalError

    monkeypatch.setattr(metrics.jobs, "open_jobs", fail)
    monkeypatch.setattr(metrics.staleness, "stale_subscriptions", fail)

    assert read("database_up") == 0


def test_a_count_that_takes_too_long_is_left_out(read, monkeypatch):
    monkeypatch.setattr(metrics.staleness, "stale_subscriptions", lambda: None)

    assert read("database_up") == 1
