"""Settings: a missing or impossible value stops the process with its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from models_registry.handlers import lambda_clients as clients
from models_registry.queue import outcomes, worker
from tests.faults.processes import environment

PRINT_OPTIONS = """
import json
from config.settings import DATABASES
print(json.dumps(DATABASES["default"]["OPTIONS"]))
"""
PRINT_LIMITS = """
import json
from config import settings
broker = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
print(json.dumps([settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT, broker]))
"""
CONNECT = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.db import connection
connection.ensure_connection()
"""
REQUIRED = {
    "SECRET_KEY": "x" * 64,
    "ALLOWED_HOSTS": "models.example.com",
    "PUBLIC_URL": "https://models.example.com",
    "DATABASE_URL": "postgres://user@127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "AUTH_ISSUER": "https://issuer.example.com",
}


def _load(
    program: str = "import config.settings", /, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Load the settings as a server process would, with nothing else in the environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_server_process_with_every_required_value_starts():
    assert _load(**REQUIRED).returncode == 0


def test_what_the_url_says_of_the_connection_counts_beside_our_own_limits():
    """Else sslmode=verify-full would be asked for, and the password sent to whoever answers."""
    url = "postgres://u@h/n?sslmode=verify-full&connect_timeout=9&options=-c%20work_mem%3D8MB"
    ended = _load(PRINT_OPTIONS, **{**REQUIRED, "DATABASE_URL": url})
    options = json.loads(ended.stdout)

    assert (options["sslmode"], options["connect_timeout"]) == ("verify-full", 9)
    assert "statement_timeout=15s" in options["options"]
    assert options["options"].endswith("-c work_mem=8MB")
    assert options["server_side_binding"] is True


def test_what_the_url_of_sqlite_says_counts_as_well():
    ended = _load(PRINT_OPTIONS, **{**REQUIRED, "DATABASE_URL": "sqlite:////tmp/x.db?timeout=7"})
    options = json.loads(ended.stdout)

    assert (options["timeout"], options["transaction_mode"]) == (7, "IMMEDIATE")


@pytest.mark.parametrize("call_seconds", [120, 900])
def test_a_task_may_take_as_long_as_a_call_and_all_around_it_and_is_given_to_no_other(call_seconds):
    """Else a good answer would be lost to the limit, or one call be made twice."""
    changed = {"LAMBDA_SYNC_READ_TIMEOUT_SECONDS": str(call_seconds)}
    soft, hard, visibility = json.loads(_load(PRINT_LIMITS, **{**REQUIRED, **changed}).stdout)
    one_try = clients.CREDENTIALS_CONNECT_SECONDS + clients.CREDENTIALS_READ_SECONDS
    credentials, connecting = one_try * clients.CREDENTIALS_TRIES, 2
    around = worker.WORK_SECONDS + credentials + connecting + outcomes.RECORD_SECONDS

    assert around + call_seconds < soft < hard < visibility


@pytest.mark.postgres
def test_of_several_hosts_the_one_that_answers_is_connected_to():
    account, place = environment()["DATABASE_URL"].split("@")
    url = f"{account}@127.0.0.1:1,{place}"

    assert _load(CONNECT, **{**REQUIRED, "DATABASE_URL": url}).returncode == 0


@pytest.mark.postgres
def test_a_server_that_can_not_prove_itself_is_not_connected_to():
    url = f"{environment()['DATABASE_URL']}?sslmode=verify-full&sslrootcert=/dev/null"
    ended = _load(CONNECT, **{**REQUIRED, "DATABASE_URL": url})

    assert ended.returncode != 0
    assert "OperationalError" in ended.stderr


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_a_missing_required_value_stops_the_process_with_its_name(name):
    """H22: no default for what must be chosen."""
    ended = _load(**{key: value for key, value in REQUIRED.items() if key != name})

    assert ended.returncode != 0
    assert name in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_an_empty_required_value_is_a_missing_one(name):
    """As a line of an environment file that nobody filled in."""
    ended = _load(**{**REQUIRED, name: ""})

    assert ended.returncode != 0
    assert name in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODELPACT_MODE", "Embedded"),
        ("ACTIVATION", "auto"),
        ("LAMBDA_TRAINING_INVOCATION", "event"),
        ("LAMBDA_INFERENCE_INVOCATION", "DryRun"),
        ("BODY_LIMIT_BYTES", "7 MiB"),
        ("JOB_RETENTION_DAYS", "-1"),
        ("RATE_LIMIT_PER_MINUTE", "-1"),
        ("DISPATCH_MAX_ATTEMPTS", "0"),
        ("DISPATCH_MAX_THROTTLED", "0"),
        ("DISPATCH_MAX_THROTTLED", "10001"),
    ],
)
def test_an_impossible_value_stops_the_process(name, value):
    assert _load(**{**REQUIRED, name: value}).returncode != 0
