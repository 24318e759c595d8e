"""The line of a request is put together from parts, and is the one that would have been written."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from config.access_log import NAME, AccessRecord, log_request
from config.log_writing import Lines
from config.logs import JsonLines, Record
from models_registry.observability.tracing import trace_of_request, tracing

SHOWN = {
    "method": "GET",
    "route": "/v2/models/{model_id}",
    "status": 200,
    "duration_ms": 1.5,
    "caller": "client:reader",
    "client_id": "app",
}
CALLERS = ("client:reader", "", 'a "b" \\', "é\u2028", "client:Bearer abcdefgh", "x" * 20_000)


@pytest.fixture
def written(monkeypatch) -> Callable[..., list[str]]:
    """Write a request's line, and return all that was written."""

    class Kept:
        def __init__(self) -> None:
            self.texts: list[str] = []

        def write(self, text: str) -> None:
            self.texts.append(text)

    def write(is_made_here: bool = True, **changed: object) -> list[str]:
        handler = Lines(Kept())
        handler.setFormatter(JsonLines())
        logger = logging.getLogger(NAME)
        monkeypatch.setattr(logger, "handlers", [handler])
        monkeypatch.setattr(logger, "propagate", False)
        monkeypatch.setattr(logger, "level", logging.INFO)
        logger.manager._clear_cache()  # type: ignore[attr-defined]
        with tracing(trace_of_request("", "")):
            log_request(SHOWN | changed, is_made_here=is_made_here)
        return handler.stream.texts

    return write


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("status", [200, 500])
def test_it_is_what_the_log_writes_of_any_record(caller, status):
    made, plain = (
        kind(NAME, logging.INFO, "", 0, "GET /v2/models/{model_id} 200", None, None)
        for kind in (AccessRecord, Record)
    )
    for record in (made, plain):
        record.__dict__.update(SHOWN, caller=caller)
        record.created = 1_795_000_000.125
    with tracing(trace_of_request("", "")):
        assert JsonLines().format(made) == JsonLines().format(plain)


def test_an_ordinary_line_is_put_together():
    record = AccessRecord(NAME, logging.INFO, "", 0, "", None, None)
    record.__dict__.update(SHOWN)

    assert record.in_json() is not None


def test_what_may_be_a_secret_is_looked_at(written):
    (line,) = written(caller="client:Bearer abcdefgh")

    assert "abcdefgh" not in line
    assert '"caller": "client:Bearer [redacted]"' in line


def test_an_id_of_a_callers_is_looked_at(written):
    (line,) = written(is_made_here=False, caller_request_id="AKIAABCDEFGH12345678")

    assert "AKIA" not in line


def test_a_line_is_written_in_one_piece(written):
    (line,) = written()

    assert line.endswith("}\n")
    assert line.count("\n") == 1


def test_a_record_has_all_that_other_handlers_ask_it_for():
    of_logging = logging.LogRecord("app", 20, "/code/f.py", 7, "%(a)s", ({"a": 1},), None)
    ours = Record("app", 20, "/code/f.py", 7, "%(a)s", ({"a": 1},), None)

    assert vars(ours).keys() >= vars(of_logging).keys()
    assert ours.getMessage() == of_logging.getMessage() == "1"
    assert (ours.levelname, ours.levelno, ours.lineno) == ("INFO", 20, 7)
    assert 0 <= ours.msecs < 1000


def test_what_is_logged_is_not_asked_whether_it_is_true():
    class Frame:
        def __bool__(self) -> bool:
            raise ValueError("The truth value of an array is ambiguous.")

    assert "Frame" in Record("app", 20, "f.py", 7, "%s", (Frame(),), None).getMessage()
