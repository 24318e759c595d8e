"""The request id and the trace of a request, through its job, the event and back."""

from __future__ import annotations

import json
import logging

import orjson
import pytest

from config.logs import JsonLines
from models_registry.handlers import Accepted, Answered
from models_registry.handlers.events import ENVELOPE_BYTES
from models_registry.models import Job
from models_registry.observability.tracing import TRACEPARENT, present_trace
from models_registry.services import versions
from tests.contract.operations import MODEL
from tests.factories import ask_inference, make_active_model, make_subscription

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"
NAMED = {"X-Request-ID": "first", "traceparent": PARENT}


@pytest.fixture
def logged(caplog):
    """The request id and the trace id under which each line was written, by its message's word."""
    seen: dict[str, list[tuple[str, str]]] = {}

    class Keep(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            trace = present_trace()
            word = record.getMessage().split()[0]
            seen.setdefault(word, []).append((trace.request_id, trace.trace_id))
            return True

    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(keep := Keep())
    yield seen
    caplog.handler.removeFilter(keep)


def _infer(api) -> None:
    api.post(f"/v2/models/{MODEL}/versions/1/inference", {"input": {}}, headers=NAMED)


def test_the_event_carries_them_to_the_handler(api, active_model, scripted, run_due_jobs, logged):
    _infer(api)
    run_due_jobs()
    (call,) = scripted.calls
    parsed = TRACEPARENT.fullmatch(call.event["trace"]["traceparent"])

    assert call.event["trace"]["request_id"] == "first"
    assert parsed is not None
    assert parsed[2] == TRACE
    assert parsed[3] != "b7ad6b7169203331", "the call is a part of the trace of its own"
    assert logged["job.called"] == [("first", TRACE)]


def test_the_report_of_a_handler_is_logged_under_them(
    api, active_model, scripted, run_due_jobs, logged
):
    """The handler need not send anything: the path of its report names the job."""
    scripted.outcomes.append(Accepted("r"))
    _infer(api)
    run_due_jobs()
    callback = scripted.calls[0].event["callback"]
    path = callback["url"].partition("/v2")[2]
    logged.clear()
    answer = api.post(f"/v2{path}", {"status": "success", "output": {}}, token=callback["token"])

    assert answer.headers["X-Request-ID"] == "first"
    assert logged["POST"] == [("first", TRACE)]


def test_a_report_with_names_of_its_own_keeps_its_trace_and_is_told_its_request_id(
    api, active_model, scripted, run_due_jobs, logged
):
    other = "00-11111111111111111111111111111111-2222222222222222-00"
    scripted.outcomes.append(Accepted("r"))
    _infer(api)
    run_due_jobs()
    path = f"/v2/models/{MODEL}/versions/1/jobs/{Job.objects.get().pk}/complete"
    logged.clear()
    answer = api.post(
        path,
        {"status": "success", "output": {}},
        headers={"X-Request-ID": "a-proxys-own", "traceparent": other},
    )

    assert answer.headers["X-Request-ID"] == "a-proxys-own"
    assert logged["POST"] == [("first", "1" * 32)]


def test_a_chain_of_jobs_goes_by_the_names_of_the_request_that_began_it(
    api, active_model, scripted, run_due_jobs
):
    make_active_model("next")
    make_subscription(MODEL, "next", trigger_event="inference_complete", target_action="inference")
    scripted.outcomes.extend([Answered({"y": 1}), Answered({"y": 2})])
    _infer(api)
    run_due_jobs()

    assert [call.event["trace"]["request_id"] for call in scripted.calls] == ["first", "first"]
    assert {job.traceparent.split("-")[1] for job in Job.objects.all()} == {TRACE}


def test_a_job_that_no_request_made_goes_by_its_own_id(active_model, scripted, run_due_jobs):
    job = ask_inference()
    run_due_jobs()
    (call,) = scripted.calls

    assert call.event["trace"]["request_id"] == str(job.pk)
    assert call.event["trace"]["traceparent"].split("-")[1] == job.pk.hex


def test_the_event_has_what_the_page_says_and_the_trace_and_fits_its_bound(
    api, scripted, run_due_jobs, settings
):
    settings.PUBLIC_URL = "https://" + "h" * 253
    model, version = "m" * 128, "v" * 128
    make_active_model(model)
    versions.create_version(model_id=model, version=version, description="", metadata={})
    versions.set_version_status(model_id=model, version=version, status="active")
    api.post(
        f"/v2/models/{model}/versions/{version}/inference",
        {"input": {}},
        headers={"X-Request-ID": "r" * 128},
    )
    run_due_jobs()
    (call,) = scripted.calls

    assert set(call.event) == {
        "job_id",
        "job_type",
        "model_id",
        "model_version",
        "input",
        "metadata",
        "callback",
        "trace",
    }
    assert len(orjson.dumps(call.event)) < ENVELOPE_BYTES


def test_no_log_holds_what_a_caller_or_a_handler_sent(
    api_showing_errors, active_model, faulty_lambda, run_due_jobs, caplog
):
    """H23: each line is one JSON object, at every level, and no payload or token is in it."""
    api, canary = api_showing_errors, "canary\r\n\x1b[31m"
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []

    class Write(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    # The levels that the settings hold these at, whatever the root is set to.
    for name in ("botocore", "urllib3", "boto3"):
        caplog.set_level(logging.INFO, logger=name)
    logging.getLogger().addHandler(write := Write())
    try:
        faulty_lambda.mode = "function_error"
        faulty_lambda.function_error = b'{"errorType": "E", "errorMessage": "canary"}'
        path = f"/v2/models/{MODEL}/versions/1"
        api.post(f"{path}/inference", {"input": {"x": canary}}, headers={"X-Request-ID": canary})
        run_due_jobs()
        job = Job.objects.get()
        api.post(f"{path}/jobs/{job.pk}/complete", {"status": "success", "output": {"x": canary}})
        api.get("/v2/canary?canary=canary")
        api.get("/v2/models", token="canary.canary.canary")
    finally:
        logging.getLogger().removeHandler(write)

    assert job.error["details"] == "canary"
    assert any("job.called" in line for line in lines)
    for line in lines:
        assert "\n" not in line
        json.loads(line)
        assert "canary" not in line
        assert "mpjob_" not in line
