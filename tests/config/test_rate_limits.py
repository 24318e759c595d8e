"""Limits per caller (H24): by client and subject, over all processes, and never in the way."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.api import rate_limits
from models_registry.handlers.callbacks import make_callback_token
from models_registry.queue.circuit_breaker import CircuitBreaker
from tests.factories import ask_inference
from tests.faults.outages import ask, web
from tests.tokens import token

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = "model_price_reco_v1"
INFER = f"/v2/models/{MODEL}/versions/1/inference"


@pytest.fixture(autouse=True)
def counts_begin_anew(monkeypatch) -> Iterator[None]:
    fresh = CircuitBreaker(failures=1, pause_seconds=rate_limits.PAUSE_SECONDS)
    monkeypatch.setattr(rate_limits, "breaker", fresh)
    rate_limits._limiter.cache_clear()
    yield
    rate_limits._limiter.cache_clear()


@pytest.fixture
def in_memory(settings) -> None:
    settings.CELERY_BROKER_URL = "memory://localhost"


def _statuses(api, count: int, **options) -> list[int]:
    return [api.get("/v2/models", **options).status for _ in range(count)]


def test_without_a_setting_nothing_is_limited(api):
    assert set(_statuses(api, 200)) == {200}


def test_a_caller_over_the_limit_gets_429_and_when_to_come_back(settings, api, in_memory):
    settings.RATE_LIMIT_PER_MINUTE = 3
    assert _statuses(api, 3) == [200, 200, 200]

    answer = api.get("/v2/models")
    assert answer.status == 429
    assert answer.body == {
        "success": False,
        "message": "More than 3 such requests a minute; wait a little.",
        "code": "rate_limited",
    }
    assert 1 <= int(answer.headers["Retry-After"]) <= 20


def test_after_the_wait_that_was_told_there_is_room_again(settings, api, in_memory):
    settings.RATE_LIMIT_PER_MINUTE = 120
    refused = next(a for a in (api.get("/v2/models") for _ in range(300)) if a.status == 429)
    time.sleep(int(refused.headers["Retry-After"]))

    assert _statuses(api, 1) == [200]


def test_callers_are_told_apart_by_client_and_subject_not_by_address(settings, api, in_memory):
    settings.RATE_LIMIT_PER_MINUTE = 2
    one, other = token("read_models", sub="one"), token("read_models", sub="other")
    spoofed = [
        api.get("/v2/models", token=one, headers={"X-Forwarded-For": f"10.0.0.{n}"}).status
        for n in range(4)
    ]
    again = token("read_models", sub="one", jti="another token of the same caller")

    assert spoofed == [200, 200, 429, 429]
    assert _statuses(api, 1, token=again) == [429]
    assert _statuses(api, 2, token=other) == [200, 200]


def test_what_is_costly_has_a_stricter_limit_of_its_own(settings, api, active_model, in_memory):
    settings.RATE_LIMIT_COSTLY_PER_MINUTE = 2
    statuses = [api.post(INFER, {"input": {}}).status for _ in range(3)]

    assert statuses == [202, 202, 429]
    assert set(_statuses(api, 10)) == {200}


def test_who_may_not_call_is_told_so_and_not_counted(settings, api, in_memory):
    settings.RATE_LIMIT_PER_MINUTE = 1

    assert _statuses(api, 3, token=None) == [401, 401, 401]
    assert _statuses(api, 3, token=token("run_training")) == [403, 403, 403]
    assert _statuses(api, 1) == [200]


def test_health_is_never_limited(settings, api, in_memory):
    settings.RATE_LIMIT_PER_MINUTE = 1

    assert {api.get("/v2/health").status for _ in range(5)} == {200}


def test_the_report_of_a_handler_is_never_refused(settings, api, active_model, in_memory):
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_COSTLY_PER_MINUTE = 1
    job = ask_inference()
    path = f"/v2/models/{MODEL}/versions/1/jobs/{job.pk}/complete"
    tokens = [make_callback_token(job.pk), *[token("complete_jobs")] * 4]

    assert {api.post(path, {"status": "success"}, token=sent).status for sent in tokens} == {200}


COUNT_FIFTY = """
import django; django.setup()
from config.api import rate_limits
from models_registry.api.principals import Principal
passed = 0
for _ in range(50):
    try:
        rate_limits._count("all", 30, Principal("somebody"))
        passed += 1
    except rate_limits.RateLimited:
        pass
print(passed)
"""


@pytest.mark.redis
def test_all_processes_count_together_in_redis(settings):
    """H24: two workers let no more through than one."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", COUNT_FIFTY]
    workers = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    passed = sum(int(worker.communicate(timeout=60)[0]) for worker in workers)

    # One more comes free every two seconds.
    assert 30 <= passed <= 33


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_two_web_servers_let_one_caller_no_further_whatever_address_it_claims(tmp_path):
    """H24: "2 workers, 100 requests, spoofed XFF: allowed = limit (+1)"."""
    caller = token(sub=secrets.token_urlsafe(8))  # nobody has counted this one yet
    statuses: Counter[int] = Counter()
    limit = {"RATE_LIMIT_PER_MINUTE": "30"}
    with web(tmp_path, **limit) as first, web(tmp_path, **limit) as second:
        begun = time.monotonic()
        for number in range(100):
            sent = {"Authorization": f"Bearer {caller}", "X-Forwarded-For": f"192.0.2.{number}"}
            statuses[ask((first, second)[number % 2], "GET", "/v2/models", **sent)[0]] += 1
        seconds = time.monotonic() - begun

    assert set(statuses) == {200, 429}
    # One more comes free every two seconds.
    assert 30 <= statuses[200] <= 31 + seconds / 2


def test_without_redis_requests_pass_and_the_log_says_so(settings, api, caplog):
    """H24: fail open; what fails is left alone for a while."""
    settings.RATE_LIMIT_PER_MINUTE = 1
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    assert set(_statuses(api, 5)) == {200}
    said = [record.message for record in caplog.records if "rate_limit" in record.message]
    assert said == ["rate_limit.not_counted: StoreUnavailableError"]


def test_a_redis_that_does_not_answer_costs_a_moment_once(settings, api):
    settings.RATE_LIMIT_PER_MINUTE = 1
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        before = time.monotonic()
        statuses = _statuses(api, 20)

    assert set(statuses) == {200}
    assert time.monotonic() - before < 3 * rate_limits.REDIS_TIMEOUT_SECONDS + 2
