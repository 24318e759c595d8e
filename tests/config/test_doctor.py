"""`manage.py doctor`: what is wrong with a deployment is named, with what to do about it."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

from config.doctor import checks, database
from models_registry.models import Job
from models_registry.observability import heartbeats
from models_registry.observability.heartbeats import Heartbeat, HeartbeatKind
from tests.factories import ask_inference, make_active_model, make_model
from tests.faults.processes import wait_for, worker

# The checks run in threads, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

ARN = "arn:aws:lambda:us-west-2:123456789012:function:"


def _doctor() -> tuple[int, dict[str, list[tuple[str, str, str]]]]:
    """Return the exit status and, by subject, each finding's state, message and advice."""
    out = StringIO()
    status = 0
    try:
        call_command("doctor", "--json", stdout=out)
    except SystemExit as ended:
        status = int(str(ended.code))
    shown = json.loads(out.getvalue())
    assert shown["ok"] == (status == 0)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for finding in shown["findings"]:
        entry = (finding["state"], finding["message"], finding["advice"])
        found.setdefault(finding["subject"], []).append(entry)
    return status, found


def _states(found: dict[str, Any], subject: str) -> list[str]:
    return [state for state, _, _ in found[subject]]


@pytest.fixture
def no_broker(settings) -> None:
    settings.CELERY_BROKER_URL = "memory://localhost"


@pytest.fixture(autouse=True)
def usual(no_broker) -> None:
    """Each test has one thing that is wrong."""


@pytest.fixture(autouse=True)
def alive() -> None:
    """Signs of life of a worker that listens to everything, and of the sweep."""
    heartbeats.beat("one@host", HeartbeatKind.WORKER, ("dispatch", "sync", "background"))
    heartbeats.beat_of_sweep()


def test_where_all_is_well_it_exits_with_0():
    status, found = _doctor()

    assert status == 0
    assert set(found) >= {"configuration", "database", "migrations", "clock", "jobs", "broker"}
    assert {state for findings in found.values() for state, _, _ in findings} == {"ok"}


def test_people_get_a_table_without_colours_where_there_is_no_terminal():
    out = StringIO()
    call_command("doctor", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["SUBJECT", "STATE", "FINDING"]
    assert any(line.split()[:2] == ["database", "ok"] for line in lines)
    assert "\x1b" not in out.getvalue()


def test_where_the_embedded_default_is_not_running_that_is_no_fault():
    Heartbeat.objects.all().delete()
    status, found = _doctor()

    assert status == 0
    assert (_states(found, "workers"), _states(found, "sweep")) == (["warning"], ["warning"])


def test_settings_that_do_not_go_together_are_named(settings):
    settings.AUTH_CLIENT_IDS, settings.AUTH_AUDIENCE = [], ""
    settings.LAMBDA_ACCOUNTS = []
    status, found = _doctor()

    assert status == 1
    said = " ".join(message for _, message, _ in found["configuration"])
    assert "Set AUTH_CLIENT_IDS or AUTH_AUDIENCE" in said
    assert "LAMBDA_ACCOUNTS is empty" in said


def test_what_is_wrong_only_in_production_is_a_warning_there(settings, faulty_lambda):
    settings.EMBEDDED, settings.PUBLIC_URL = False, "http://models.example.com"
    _, found = _doctor()

    said = [message for state, message, _ in found["configuration"] if state == "warning"]
    assert any("PUBLIC_URL is http://models.example.com" in message for message in said)
    assert any("not in AWS" in message for message in said)


def test_a_migration_that_was_not_applied_is_a_problem():
    (latest,) = MigrationLoader(connection).graph.leaf_nodes("subscriptions")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*latest)
    try:
        status, found = _doctor()
    finally:
        recorder.record_applied(*latest)

    assert status == 1
    assert found["migrations"] == [
        (
            "problem",
            f"1 not applied: {'.'.join(latest)}",
            "Run `manage.py migrate`.",
        )
    ]
    assert "jobs" not in found, "its tables may not be there"


def test_jobs_that_no_worker_takes_are_a_problem(active_model):
    ask_inference()
    Job.objects.update(due_at=Now() - timedelta(minutes=5))
    status, found = _doctor()

    assert (status, _states(found, "jobs")) == (1, ["problem"])
    assert "workers and beat" in found["jobs"][0][2]


@pytest.mark.postgres
def test_a_clock_that_differs_is_noticed(monkeypatch):
    monkeypatch.setattr("config.doctor.database.SKEW_NOTICED", -1.0)
    assert _states(_doctor()[1], "clock") == ["warning"]

    monkeypatch.setattr("config.doctor.database.SKEW_HARMFUL", -1.0)
    status, found = _doctor()
    assert (status, _states(found, "clock")) == (1, ["problem"])


def test_a_redis_that_is_away_is_a_problem(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    status, found = _doctor()

    assert (status, _states(found, "broker")) == (1, ["problem"])
    assert "REDIS_URL" in found["broker"][0][2]


def test_keys_that_can_not_be_had_are_a_problem(settings, issuer):
    settings.AUTH_SHARED_SECRET = ""
    settings.AUTH_JWKS_URL = issuer.url
    assert _doctor()[1]["tokens"] == [("ok", f"1 key from {issuer.url}.", "")]
    issuer.mode = "500"
    status, found = _doctor()

    assert (status, _states(found, "tokens")) == (1, ["problem"])


# --- Functions --------------------------------------------------------------------------------
def test_each_function_of_an_active_model_is_asked_about_once_and_none_is_run(local_lambda):
    make_active_model(handlers=_handlers("train-model", "infer-model"))
    make_active_model("same", handlers=_handlers("train-model", "infer-model"))
    make_model("pending", handlers=_handlers("nobody-knows", "infer-model"))
    status, found = _doctor()

    assert status == 0
    assert found["functions"] == [("ok", "2 of 2 may be invoked.", "")]
    assert Job.objects.count() == 0


def test_a_function_that_is_not_there_is_named_with_what_to_do(local_lambda):
    make_active_model(handlers=_handlers("train-model", "no-such-function"))
    status, found = _doctor()

    assert status == 1
    missing, summary = found["functions"]
    assert missing[0] == "problem"
    assert f"{ARN}no-such-function" in missing[1]
    assert missing[2].startswith("Create the function")
    assert summary[1] == "1 of 2 may be invoked."


@pytest.mark.parametrize(
    ("mode", "advice"),
    [
        ((403, "AccessDeniedException", b'{"Message": "not authorized"}'), "Allow this host's"),
        ((503, "ServiceException", b'{"Message": "later"}'), "Look at the function"),
    ],
)
def test_a_function_that_this_host_may_not_invoke_is_named(faulty_lambda, mode, advice):
    faulty_lambda.mode = mode
    make_active_model()
    status, found = _doctor()

    assert status == 1
    assert [each[2][: len(advice)] for each in found["functions"][:2]] == [advice] * 2


def test_a_function_outside_what_is_allowed_is_not_even_asked_about(settings, faulty_lambda):
    make_active_model()
    settings.LAMBDA_ACCOUNTS = ["999999999999"]
    status, found = _doctor()

    assert status == 1
    assert "LAMBDA_ACCOUNTS" in found["functions"][0][2]
    assert faulty_lambda.calls == []


def test_of_very_many_functions_some_are_asked_about_and_it_says_so(local_lambda, monkeypatch):
    monkeypatch.setattr(checks, "FUNCTIONS_LIMIT", 1)
    make_active_model(handlers=_handlers("train-model", "infer-model"))
    status, found = _doctor()

    assert (status, _states(found, "functions")) == (0, ["warning", "ok"])


def _handlers(training: str, inference: str) -> dict[str, Any]:
    return {
        "training": {"type": "lambda", "arn": ARN + training},
        "inference": {"type": "lambda", "arn": ARN + inference, "version": "1"},
    }


# --- The broker and the workers, for real -----------------------------------------------------
PRODUCTION = {
    "MODELPACT_MODE": "production",
    "SECRET_KEY": "k" * 60,
    "ALLOWED_HOSTS": "testserver",
    "PUBLIC_URL": "http://testserver",
    "AUTH_ISSUER": "somebody",
    "AUTH_SHARED_SECRET": "s" * 40,
    "AUTH_CLIENT_IDS": "somebody",
}


@pytest.mark.postgres
@pytest.mark.redis
def test_a_queue_without_a_worker_is_a_problem_and_a_worker_with_beat_cures_it(settings, tmp_path):
    Heartbeat.objects.all().delete()
    settings.CELERY_BROKER_URL = os.environ["REDIS_URL"]
    settings.EMBEDDED = False
    _, found = _doctor()
    assert (_states(found, "workers"), _states(found, "sweep")) == (["problem"], ["problem"])
    assert found["workers"][0][1] == "No worker for background, dispatch, sync."

    def is_cured() -> bool:
        return "problem" not in [finding.state for finding in database.check_database()]

    with worker(tmp_path, **PRODUCTION):
        wait_for(is_cured, seconds=60)
