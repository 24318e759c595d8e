"""How the sample functions report: through what may pass, and not against a clear refusal."""

from __future__ import annotations

import importlib
import json
import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import config.embedded

FOLDER = Path(config.embedded.__file__).parent / "functions"


class _Service(ThreadingHTTPServer):
    """Answers each report with the next of `statuses`, and keeps what it was sent."""

    statuses: list[int]
    reports: list[dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: _Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sent = {"token": self.headers["Authorization"], "body": json.loads(body)}
        self.server.reports.append(sent)
        self.send_response(self.server.statuses.pop(0))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("_callback")
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return module


@pytest.fixture
def service() -> Iterator[_Service]:
    with _Service(("127.0.0.1", 0), _Handler) as server:
        server.reports = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def _report(callback: Any, service: _Service, statuses: list[int]) -> None:
    service.statuses = statuses
    url = f"http://127.0.0.1:{service.server_address[1]}"
    event = {"callback": {"url": url, "token": "mpjob_t"}}
    callback.report(event, status="success", output={"model_path": "p"})


def test_a_report_bears_the_jobs_own_token(callback, service):
    _report(callback, service, [200])

    body = {"status": "success", "output": {"model_path": "p"}}
    assert service.reports == [{"token": "Bearer mpjob_t", "body": body}]


@pytest.mark.parametrize("passing", [429, 500, 503])
def test_what_may_pass_is_waited_out(callback, service, passing):
    _report(callback, service, [passing, passing, 200])

    assert len(service.reports) == 3


@pytest.mark.parametrize("refusal", [400, 401, 403, 404, 409])
def test_a_clear_refusal_is_not_argued_with(callback, service, refusal):
    with pytest.raises(urllib.error.HTTPError) as raised:
        _report(callback, service, [refusal])
    raised.value.close()

    assert len(service.reports) == 1


def test_a_service_that_stays_away_is_given_up(callback, service):
    with pytest.raises(urllib.error.HTTPError) as raised:
        _report(callback, service, [503] * callback.TRIES)
    raised.value.close()

    assert len(service.reports) == callback.TRIES
