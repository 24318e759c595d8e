"""Formats values for the staff pages: status badges, times, durations, links; always escaped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.staff.links import page_url
from models_registry.models import Job

NOTHING = "-"
ERROR_CHARACTERS = 240
JSON_CHARACTERS = 20_000

# The colour of each status: a class in staff.css.
TONES = {
    "pending": "waiting",
    "training": "running",
    "started": "running",
    "running": "running",
    "active": "good",
    "success": "good",
    "done": "good",
    "failed": "bad",
    "failure": "bad",
    "stale": "warn",
    "paused": "quiet",
    "superseded": "quiet",
    "warnings": "warn",
    "changed": "warn",
    "compatible": "good",
    "incompatible": "bad",
    "unknown": "warn",
}


def tone(status: str) -> str:
    """Return the colour class of a status."""
    return TONES.get(status, "quiet")


def badge(status: str) -> SafeString:
    """Return a status as a coloured badge."""
    return format_html('<span class="mp-badge mp-{}">{}</span>', tone(status), status)


def link(row: Model, text: Any = None) -> SafeString:
    """Return a link to a row's page."""
    return format_html(
        '<a class="mp-link" href="{}">{}</a>', page_url(row), str(row) if text is None else text
    )


def short_id(value: Any) -> SafeString:
    """Return the last 12 digits of a UUID, with the whole UUID as tooltip."""
    return format_html('<span class="mp-mono mp-id" title="{}">…{}</span>', value, str(value)[-12:])


def moment(value: datetime | None) -> SafeString | str:
    """Return a UTC time with seconds."""
    if value is None:
        return NOTHING
    return format_html(
        '<time class="mp-time" datetime="{}">{}</time>',
        value.isoformat(),
        value.strftime("%Y-%m-%d %H:%M:%S"),
    )


def duration(value: timedelta | None) -> str:
    """Return a duration as text, such as "1 h 20 min"."""
    if value is None:
        return NOTHING
    seconds = value.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def job_duration(job: Job) -> str:
    """Return how long a job ran; NOTHING until it has ended."""
    ended, started = job.completed_at, job.started_at
    return duration(ended - started if ended and started else None)


def error_line(error: Any) -> str:
    """Return a job's error in one line: its message and its code."""
    if not isinstance(error, dict):
        return ""
    code, message = error.get("code"), error.get("message")
    text = f"{message} ({code})" if code and message else str(message or code or error)
    return text if len(text) <= ERROR_CHARACTERS else f"{text[: ERROR_CHARACTERS - 1]}…"


def pretty(value: Any) -> str:
    """Return JSON as indented text, truncated at JSON_CHARACTERS."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= JSON_CHARACTERS else f"{text[:JSON_CHARACTERS]}\n… (truncated)"
