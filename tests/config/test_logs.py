"""Logs: one JSON object a line, with the request's names, and nothing secret (H23)."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from gunicorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from config.gunicorn_logs import Lines
from config.logs import TEXT_LIMIT, JsonLines, PlainLines
from models_registry.observability.redaction import _IN_TEXT, GONE, redacted, redacted_text
from models_registry.observability.tracing import trace_of_request, tracing
from tests.tokens import token

HOSTILE = 'x\r\n{"level": "FAKE"}\x1b[31m\x00\u2028\ud800'

# Ends and middles of what is secret; the last letters are an "s" and a "k" to a regular expression
# that ignores case.
FRAGMENTS = (
    *("Bearer ", "BASIC", " abc.DEF-1234567", "mpjob_", "eyJabcde", ".x-1", "AKIA", "asia", "://"),
    *("ABCDEFGH12345678", "a", ":p@", "Authorization", "pa", "ssw", "ord", "passwd", "\u017f"),
    *("SECRET", "my_to", "ken", "\u212a", "api", "-key", "_access_", "key", ":", "=", '"', " "),
)


def _record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("app", logging.INFO, "f.py", 1, message, args, None)
    record.__dict__.update(extra)
    return record


def _json(record: logging.LogRecord) -> dict:
    line = JsonLines().format(record)
    assert "\n" not in line
    line.encode("ascii")
    return json.loads(line)


def test_a_line_is_a_json_object_with_what_was_said_beside_it():
    shown = _json(_record("job.called job=%s", 7, outcome="accepted"))

    assert shown.pop("time").endswith("+00:00")
    assert shown == {
        "level": "INFO",
        "logger": "app",
        "message": "job.called job=7",
        "outcome": "accepted",
    }


def test_a_line_has_the_names_of_the_request_that_it_is_about():
    with tracing(trace_of_request("req-1", "")) as trace:
        shown = _json(_record("hello"))

    assert (shown["request_id"], shown["trace_id"]) == ("req-1", trace.trace_id)
    assert "request_id" not in _json(_record("outside of any"))


def test_a_line_stays_one_line_whatever_is_in_it():
    shown = _json(_record("name is %s", HOSTILE, name_given=HOSTILE))

    assert shown["message"] == f"name is {HOSTILE}"
    assert shown["level"] == "INFO"


def test_plain_text_stays_one_line_whatever_is_in_it():
    line = PlainLines().format(_record("name is %s", HOSTILE))

    assert len(line.splitlines()) == 1
    assert "\\r\\n" in line
    assert "\x1b" not in line


def test_an_exception_is_told_without_the_secrets_in_it():
    try:
        raise ValueError("Authorization: Bearer abcdef.123456\nnext line")
    except ValueError:
        record = _record("failed")
        record.exc_info = sys.exc_info()
    shown = _json(record)
    plain = PlainLines().format(record)

    assert "ValueError" in shown["exception"]
    assert "abcdef.123456" not in json.dumps(shown)
    assert "ValueError" in plain
    assert "abcdef.123456" not in plain


def test_a_text_of_any_length_is_cut():
    assert len(_json(_record("x" * 100_000))["message"]) == TEXT_LIMIT


SECRETS = [
    "Bearer abc.def-ghi_jkl",
    "authorization: Basic dXNlcjpwYXNz",
    "mpjob_0190aaaabbbb.1x2y.signature-of-it",
    "AKIAIOSFODNN7EXAMPLE",
    "redis://:hunter22@cache:6379/0",
    "postgres://user:hunter22@db/name",
    'body {"password": "hunter22"}',
    "secret=hunter22&next=1",
    '\\"api_key\\": \\"hunter22\\"',
    "client_token='hunter22'",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_in_a_text_is_taken_out(text):
    kept = redacted_text(f"before {text} after")

    assert GONE in kept
    for part in ("hunter22", "abc.def", "dXNlc", "signature", "AKIAIO"):
        assert part not in kept
    assert kept.startswith("before ")
    assert redacted_text(kept) == kept


def test_a_jwt_is_taken_out():
    signed = token()

    assert redacted_text(f"sent {signed} here") == f"sent {GONE} here"


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_a_text_that_is_not_searched_has_nothing_to_find(text):
    """The short way out, for texts without any sign of a secret, is never taken wrongly."""
    searched = text
    for pattern, replacement in _IN_TEXT:
        searched = pattern.sub(replacement, searched)

    assert redacted_text(text) == searched


@pytest.mark.parametrize(
    "text",
    ["Token refused: unknown_key", "token_use is access", "3 tokens: fine"[:8], "a/b:c@d", "12:30"],
)
def test_what_is_no_secret_stays(text):
    assert redacted_text(text) == text


def test_fields_are_taken_out_by_their_names_at_any_depth():
    value = {"a": [{"Authorization": "x", "accessToken": "y", "pad_token": "<pad>"}], "n": 1}

    assert redacted(value) == {
        "a": [{"Authorization": GONE, "accessToken": GONE, "pad_token": "<pad>"}],
        "n": 1,
    }
    deep: dict = {}
    for _ in range(500):
        deep = {"a": deep}
    assert GONE in str(redacted(deep))


def test_what_would_log_payloads_is_held_at_info():
    code = (
        "import django, logging; django.setup();"
        "print([logging.getLogger(n).getEffectiveLevel() for n in"
        " ('botocore.endpoint', 'urllib3.connectionpool', 'kombu', 'celery.worker',"
        " 'django.db.backends', 'models_registry')])"
    )
    environment = {**os.environ, "LOG_LEVEL": "DEBUG", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(ended.stdout) == [20, 20, 20, 20, 20, 10]


def test_a_process_forked_while_another_thread_writes_can_log(tmp_path):
    program = """
import logging, logging.config, os, signal, threading
from config.logs import logging_settings
logging.config.dictConfig(logging_settings("json", "INFO"))
say = logging.getLogger("app").info
threading.Thread(target=lambda: [say("x" * 500) for _ in iter(int, 1)], daemon=True).start()
for _ in range(20):
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        say("child")
        logging.shutdown()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, "the child hung"
os._exit(0)
"""
    # As most processes begin: standard error has a buffer, and that a lock.
    buffered = {name: at for name, at in os.environ.items() if name != "PYTHONUNBUFFERED"}
    # A file, which never makes anybody wait; a full pipe would.
    with (tmp_path / "log").open("w+") as log:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env=buffered,
            stdout=subprocess.DEVNULL,
            stderr=log,
            timeout=150,
        )
        log.seek(0)
        written = log.read()

    assert ended.returncode == 0, written[-500:]
    assert written.count('"message": "child"') == 20


def test_a_line_is_written_at_once():
    """Also when its process ends without further notice."""
    program = """
import logging.config, os
from config.logs import logging_settings
logging.config.dictConfig(logging_settings("json", "INFO"))
for text in ("a", "b"):
    logging.getLogger("app").info(text, extra={"of": "x" * 3000})
os._exit(0)
"""
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        written = process.stderr.read()  # type: ignore[union-attr]

    assert [json.loads(line)["message"] for line in written.splitlines()] == ["a", "b"]


def test_production_writes_json_and_the_embedded_default_text():
    assert settings.LOGGING["handlers"]["stderr"]["formatter"] == "plain"
    assert settings.LOGGING["formatters"]["json"] == {"()": "config.logs.JsonLines"}


def test_celery_leaves_logging_as_the_settings_say():
    from celery.app.log import Logging

    from config.celery import app

    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    assert Logging(app).setup_logging_subsystem(loglevel="DEBUG"), "somebody listens"
    assert (root.level, list(root.handlers)) == before


@pytest.fixture
def gunicorns_logs() -> Iterator[None]:
    """Leave gunicorn's two loggers as nobody had set them."""
    yield
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.NOTSET)
        logger.handlers.clear()
        logger.propagate = True


def test_gunicorn_speaks_of_its_processes_in_json_and_not_of_requests(capsys, gunicorns_logs):
    lines = Lines(Config())
    lines.info("Booting worker with pid: %s", 7)
    lines.access(None, None, None, None)

    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "Booting worker with pid: 7"
