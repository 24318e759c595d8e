"""What a line of the log looks like: JSON in production, text for a person in the embedded default.

Either is one line whatever a caller sent, and shows no token, key or password.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS, LogData
from pythonjsonlogger.json import JsonFormatter

from models_registry.observability.redaction import is_harmless_json, redacted, redacted_text
from models_registry.observability.tracing import present_trace

# Of one text in a line; in characters.
TEXT_LIMIT = 16_000
_STARTED_AT = time.time()
# What would begin another line, or steer a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What logging itself puts into a record; the rest is what was said beside the message.
_OF_EVERY_RECORD = frozenset({*RESERVED_ATTRS, "taskName"})
# At DEBUG these write payloads and signatures, or SQL with its parameters, which are payloads.
_TOO_TALKATIVE = (
    *("boto3", "botocore", "urllib3", "kombu", "amqp", "celery", "redis"),
    "django.db.backends",
)


class Record(logging.LogRecord):
    """A record without the parts of the path that it comes from, which no line shows."""

    def __init__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: Any,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        sinfo: str | None = None,
        **_: Any,
    ) -> None:
        self.created = time.time()
        self.msecs = self.created % 1 * 1000 // 1
        self.relativeCreated = (self.created - _STARTED_AT) * 1000
        self.name, self.levelno, self.levelname = name, level, logging.getLevelName(level)
        self.pathname = self.filename = pathname
        self.lineno, self.module = lineno, "Unknown module"
        self.funcName = func  # type: ignore[assignment]
        self.msg, self.args = msg, args
        # A mapping alone is for `%(name)s` in the message.
        if args and len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
            self.args = args[0]
        self.exc_info, self.exc_text, self.stack_info = exc_info, None, sinfo
        self.thread = self.threadName = self.process = self.processName = None
        self.taskName = None


class JsonLines(JsonFormatter):
    """Writes `{"time", "level", "logger", "message", "request_id", "trace_id", ...}`."""

    def __init__(self) -> None:
        # ASCII, so that half a surrogate pair, or a line separator of Unicode, breaks no reader.
        super().__init__("%(message)s", json_ensure_ascii=True)

    def format(self, record: logging.LogRecord) -> str:
        in_json = getattr(record, "in_json", None)
        written: str = (in_json and in_json()) or super().format(record)
        return written

    def add_fields(
        self, log_data: LogData, record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.message,
        }
        log_data |= {
            name: value for name, value in record.__dict__.items() if name not in _OF_EVERY_RECORD
        }
        for name, shown in (("exc_info", "exception"), ("stack_info", "stack")):
            if name in message_dict:
                log_data[shown] = message_dict[name]
        trace = present_trace()
        if trace.request_id:
            log_data.setdefault("request_id", trace.request_id)
            log_data.setdefault("trace_id", trace.trace_id)
            log_data.setdefault("span_id", trace.span_id)

    def serialize_log_record(self, log_data: LogData) -> str:
        """Write a line as it is if a look at the whole of it shows no secret; most are such."""
        try:
            line = orjson.dumps(log_data).decode()
        except TypeError:  # what only the library knows to write
            line = ""
        if is_short_and_plain(line) and is_harmless_json(line):
            return line
        shown = {name: _cut(value) for name, value in log_data.items()}
        written: str = super().serialize_log_record(redacted(shown))
        return written


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
        "handlers": {"stderr": {"class": "config.log_writing.Lines", "formatter": form}},
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


def leave_out_origins() -> None:
    """Have no line find out from which code, thread and process it comes; none shows it.

    From the "Optimization" of Python's logging HOWTO: it is a third of what a line costs.
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined,unused-ignore]
    logging.setLogRecordFactory(Record)


def is_short_and_plain(line: str) -> bool:
    """Tell whether a line is there, is no longer than one text may be, and steers no terminal."""
    return 0 < len(line) <= TEXT_LIMIT and line.isascii() and line.isprintable()


def _cut(value: Any) -> Any:
    return value[:TEXT_LIMIT] if isinstance(value, str) else value
