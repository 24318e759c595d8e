"""What is said of every request: its id, its trace, who acts, and its line in the log."""

from __future__ import annotations

import io
import logging
import os
import pwd
import re
import subprocess
import sys

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.test import RequestFactory

from config.api.requests import StaffActorMiddleware
from config.logs import JsonLines
from models_registry.models import Job
from models_registry.observability.actor import SYSTEM, acting, present_actor
from models_registry.observability.tracing import NOTHING, present_trace
from tests.contract.operations import MODEL
from tests.tokens import token

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def access_log(caplog):
    caplog.set_level(logging.INFO, logger="modelpact.access")
    return caplog


def _line(caplog) -> dict:
    (record,) = [each for each in caplog.records if each.name == "modelpact.access"]
    return record.__dict__


def test_a_request_id_is_given_back(api):
    answer = api.get("/v2/health", headers={"X-Request-ID": "abc-123_4.5"})

    assert answer.headers["X-Request-ID"] == "abc-123_4.5"
    assert present_trace() is NOTHING


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "é", "-x", "a;b", "{}"])
def test_a_request_id_that_is_none_is_replaced(api, given):
    made = api.get("/v2/health", headers={"X-Request-ID": given}).headers["X-Request-ID"]

    assert made != given
    assert re.fullmatch(r"[0-9a-f-]{36}", made)


def test_errors_have_a_request_id_too(api, client):
    assert api.get("/v2/models", token=None).headers["X-Request-ID"]
    assert api.get("/v2/nothing").headers["X-Request-ID"]
    assert client.get("/v2/health", headers={"Host": "evil"}).headers["X-Request-ID"]


def test_a_request_has_one_line_in_the_log(api, active_model, access_log):
    api.get(f"/v2/models/{MODEL}?x=secret", documented=False, headers={"X-Request-ID": "r-1"})
    line = _line(access_log)

    assert line["method"] == "GET"
    assert line["route"] == "/v2/models/{model_id}"
    assert line["status"] == 400
    assert line["duration_ms"] > 0
    assert line["caller"] == "client:tester"
    assert line["client_id"] == "modelpact-embedded"
    assert "secret" not in str(line)
    assert MODEL not in line["message"]


def test_the_id_of_whoever_asked_for_a_job_is_looked_at_too(api, active_model, access_log):
    """Its report goes on under that id, which came with another request and may hold a secret."""
    lines = logging.StreamHandler(io.StringIO())
    lines.setFormatter(JsonLines())
    logging.getLogger("modelpact.access").addHandler(lines)
    path = f"/v2/models/{MODEL}/versions/1"
    try:
        api.post(
            f"{path}/inference", {"input": {}}, headers={"X-Request-ID": "AKIA1234567890ABCDEF"}
        )
        path = f"{path}/jobs/{Job.objects.get().pk}/complete"
        assert api.post(path, {"status": "success", "output": {}}).status == 200
    finally:
        logging.getLogger("modelpact.access").removeHandler(lines)
    written = lines.stream.getvalue()

    assert written.count("[redacted]") == 2
    assert "AKIA" not in written


def test_a_path_that_leads_nowhere_is_not_written_down(api, access_log):
    api.get("/v2/anything-a-caller-likes")

    assert _line(access_log)["route"] == "(none)"
    assert "anything" not in str(_line(access_log)["message"])


def test_who_was_refused_is_nobody(api, access_log):
    api.get("/v2/models", token="nonsense")

    assert _line(access_log)["caller"] == ""


def test_a_trace_is_continued_into_the_job(api, active_model):
    path = f"/v2/models/{MODEL}/versions/1/inference"
    api.post(path, {"input": {}}, headers={"traceparent": PARENT, "X-Request-ID": "r-1"})
    job = Job.objects.get()

    assert job.request_id == "r-1"
    assert job.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert job.traceparent != PARENT, "our part of the trace has an id of its own"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "garbage",
        "ff" + PARENT[2:],
        f"{PARENT}-more",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        PARENT.upper(),
        PARENT * 2,
    ],
)
def test_a_trace_that_is_none_is_replaced(api, active_model, given):
    path = f"/v2/models/{MODEL}/versions/1/training"
    assert api.post(path, {}, headers={"traceparent": given}).status == 202
    made = Job.objects.get().traceparent

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
    assert "0af7651916cd43dd8448eb211c80319c" not in made


def test_a_later_version_of_the_header_may_have_more(api, active_model):
    path = f"/v2/models/{MODEL}/versions/1/training"
    api.post(path, {}, headers={"traceparent": f"01{PARENT[2:]}-more"})

    assert "0af7651916cd43dd8448eb211c80319c" in Job.objects.get().traceparent


# --- Who acts ---------------------------------------------------------------------------------
def _actor_seen_by(user: object) -> str:
    seen = []

    def view(request):
        seen.append(str(present_actor()))
        return HttpResponse()

    request = RequestFactory().get("/admin/x")
    request.user = user
    with acting(SYSTEM):
        StaffActorMiddleware(view)(request)
    return seen[0]


def test_a_user_of_the_admin_acts_under_their_name():
    assert _actor_seen_by(User(username="ann")) == "staff:ann"
    assert _actor_seen_by(AnonymousUser()) == "system:system"


def test_a_session_of_the_admin_means_nothing_to_the_api(admin_client, api, caplog):
    caplog.set_level(logging.INFO, logger="modelpact.access")
    assert admin_client.get("/v2/models").status_code == 401
    bearer = {"Authorization": f"Bearer {token('read_models')}"}
    assert admin_client.get("/v2/models", headers=bearer).status_code == 200
    assert [record.caller for record in caplog.records] == ["", "client:tester"]


def test_a_command_acts_under_the_name_of_the_systems_user(tmp_path):
    code = (
        "import sys; sys.argv = ['manage.py', 'shell', '-v0', '-c',"
        " 'from models_registry.observability.actor import present_actor; print(present_actor())'];"
        "import manage; manage.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.strip() == f"command:{pwd.getpwuid(os.getuid()).pw_name}"
