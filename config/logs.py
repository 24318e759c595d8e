"""What a line of the log looks like: JSON in production, text for a person in the embedded default.

Either is one line whatever a caller sent, and shows no token, key or password.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from typing import Any

from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

from models_registry.observability.redaction import redacted, redacted_text
from models_registry.observability.tracing import present_trace

# Of one text in a line; in characters.
TEXT_LIMIT = 16_000
# What would begin another line, or steer a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Fields of a line that have other names in a record.
_RENAMED = {
    **{"levelname": "level", "name": "logger"},
    **{"exc_info": "exception", "stack_info": "stack"},
}
# Standard error without a buffer, as with `python -u`. The buffer has a lock: a process that is
# forked while another thread writes would wait for it for ever.
STDERR = sys.stderr and io.TextIOWrapper(
    io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True
)
# At DEBUG these write payloads and signatures, or SQL with its parameters, which are payloads.
_TOO_TALKATIVE = (
    *("boto3", "botocore", "urllib3", "kombu", "amqp", "celery", "redis"),
    "django.db.backends",
)


class JsonLines(JsonFormatter):
    """Writes `{"level", "logger", "message", ..., "time", "request_id", "trace_id", "span_id"}`."""

    def __init__(self) -> None:
        # ASCII, so that half a surrogate pair, or a line separator of Unicode, breaks no reader.
        super().__init__(
            ("levelname", "name", "message"),
            rename_fields=_RENAMED,
            timestamp="time",
            json_ensure_ascii=True,
        )

    def process_log_record(self, log_data: LogData) -> LogData:
        trace = present_trace()
        if trace.request_id:
            log_data.setdefault("request_id", trace.request_id)
            log_data.setdefault("trace_id", trace.trace_id)
            log_data.setdefault("span_id", trace.span_id)
        shown: LogData = redacted({name: _cut(value) for name, value in log_data.items()})
        return shown


class PlainLines(logging.Formatter):
    """Writes the time, the level, the logger and the message; a traceback keeps its lines."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        message = _CONTROL.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record))
        return redacted_text(message[:TEXT_LIMIT])

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        return redacted_text(super().formatException(ei)[:TEXT_LIMIT])


def logging_settings(form: str, level: str) -> dict[str, Any]:
    """Return Django's `LOGGING`: lines of a form, "json" or "plain", from a level on."""
    not_debug = {"level": "INFO" if level == "DEBUG" else level}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "config.logs.JsonLines"},
            "plain": {"()": "config.logs.PlainLines"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "stream": "ext://config.logs.STDERR",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **dict.fromkeys(_TOO_TALKATIVE, not_debug),
            # The embedded default's server warns of every request that waits for a thread.
            "waitress.queue": {"level": "ERROR"},
            # What callers do wrong is in their answers and the server's access log; here, only our
            # faults.
            "django.request": {"level": "ERROR"},
        },
    }


def _cut(value: Any) -> Any:
    return value[:TEXT_LIMIT] if isinstance(value, str) else value
