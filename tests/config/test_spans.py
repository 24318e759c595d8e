"""OpenTelemetry, where its packages are installed: a span for each request, dispatch and call."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry import trace as opentelemetry
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from models_registry.handlers import Accepted, Retry
from models_registry.models import Job
from models_registry.observability.spans import span
from models_registry.observability.tracing import present_trace, trace_of_request, tracing
from tests.contract.operations import MODEL

TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{PARENT_SPAN}-01"
PATH = f"/v2/models/{MODEL}/versions/1"


@pytest.fixture
def exported(monkeypatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(opentelemetry, "get_tracer_provider", lambda: provider)
    return exporter


def _hex(found: ReadableSpan) -> tuple[str, str]:
    context = found.get_span_context()
    assert context is not None
    return (
        opentelemetry.format_trace_id(context.trace_id),
        opentelemetry.format_span_id(context.span_id),
    )


def _parent(found: ReadableSpan) -> str:
    return opentelemetry.format_span_id(found.parent.span_id) if found.parent else ""


def test_a_request_its_dispatch_and_its_call_are_one_trace_from_the_caller_to_the_handler(
    api, active_model, scripted, run_due_jobs, exported
):
    scripted.outcomes.append(Accepted("r"))
    answer = api.post(f"{PATH}/inference", {"input": {}}, headers={"traceparent": PARENT})
    run_due_jobs()
    request, call, dispatch = exported.get_finished_spans()
    event = scripted.calls[0].event

    assert answer.status == 202
    assert request.name == "POST /v2/models/{model_id}/versions/{model_version}/inference"
    assert (dispatch.name, call.name) == ("dispatch inference", "invoke lambda")
    assert {_hex(each)[0] for each in (request, call, dispatch)} == {TRACE}
    assert _parent(request) == PARENT_SPAN
    assert _parent(dispatch) == _hex(request)[1]
    assert _parent(call) == _hex(dispatch)[1]
    assert event["trace"]["traceparent"] == f"00-{TRACE}-{_hex(call)[1]}-01"
    assert dict(request.attributes or {})["http.response.status_code"] == 202


def test_a_request_without_a_trace_begins_one_and_its_job_goes_by_it(api, active_model, exported):
    api.post(f"{PATH}/training", {})
    (request,) = exported.get_finished_spans()

    assert request.parent is None
    trace_id, span_id = _hex(request)
    assert Job.objects.get().traceparent.startswith(f"00-{trace_id}-{span_id}-")


def test_what_fails_is_marked(active_model, scripted, run_due_jobs, exported, api):
    scripted.outcomes.append(Retry({"code": "lambda_throttled", "message": "Later."}))
    api.post(f"{PATH}/training", {})
    run_due_jobs()
    _, call, _ = exported.get_finished_spans()

    assert call.status.status_code == opentelemetry.StatusCode.ERROR
    assert call.status.description == "retry"


def test_spans_hold_no_payload_and_no_token(api, active_model, scripted, run_due_jobs, exported):
    api.post(f"{PATH}/inference", {"input": {"x": "canary"}})
    run_due_jobs()
    shown = " ".join(each.to_json() for each in exported.get_finished_spans())

    assert "canary" not in shown
    assert "mpjob_" not in shown


def test_a_trace_that_is_not_recorded_stays_unrecorded_further_on(exported):
    unsampled = f"00-{TRACE}-{PARENT_SPAN}-00"
    with tracing(trace_of_request("r", unsampled)), span("request", "server", parent=unsampled):
        assert present_trace().trace_id == TRACE
        assert present_trace().flags == "00"
    assert exported.get_finished_spans() == ()


def test_without_a_configured_sdk_the_names_are_our_own():
    with tracing(trace_of_request("r", PARENT)) as trace, span("request", "server", parent=PARENT):
        assert present_trace() == trace


def test_without_the_packages_everything_works():
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from models_registry.observability import spans\n"
        "with spans.span('request', 'server', parent='x', a='b') as part:\n"
        "    part.name('n', c=1); part.failed('why')\n"
        "print(spans.HAS_OPENTELEMETRY)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == "False"
