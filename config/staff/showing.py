"""How values are shown to staff: statuses as badges, times, durations, links; always escaped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.staff.addresses import page_url
from models_registry.models import Job

NOTHING = "-"
REASON_CHARACTERS = 240
JSON_CHARACTERS = 20_000

# The colour of each status: a class of staff.css, which knows light and dark.
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
    """Return a status as a coloured word."""
    return format_html('<span class="mp-badge mp-{}">{}</span>', tone(status), status)


def link(row: Model, text: Any = None) -> SafeString:
    """Return a link to a row's page."""
    return format_html(
        '<a class="mp-link" href="{}">{}</a>', page_url(row), str(row) if text is None else text
    )


def short_id(value: Any) -> SafeString:
    """Return the end of a UUID, which tells rows apart, with the whole of it at hand."""
    return format_html('<span class="mp-mono mp-id" title="{}">…{}</span>', value, str(value)[-12:])


def moment(value: datetime | None) -> SafeString | str:
    """Return a time in UTC, to the second."""
    if value is None:
        return NOTHING
    return format_html(
        '<time class="mp-time" datetime="{}">{}</time>',
        value.isoformat(),
        value.strftime("%Y-%m-%d %H:%M:%S"),
    )


def duration(value: timedelta | None) -> str:
    """Return how long something took, such as "1 h 20 min"."""
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


def took(job: Job) -> str:
    """Return how long a job ran; nothing while it runs."""
    ended, started = job.completed_at, job.started_at
    return duration(ended - started if ended and started else None)


def reason(error: Any) -> str:
    """Return why a job failed, in a line: its error's message, and its code."""
    if not isinstance(error, dict):
        return ""
    code, message = error.get("code"), error.get("message")
    text = f"{message} ({code})" if code and message else str(message or code or error)
    return text if len(text) <= REASON_CHARACTERS else f"{text[: REASON_CHARACTERS - 1]}…"


def pretty(value: Any) -> str:
    """Return JSON as text to read, cut off where it is longer than anybody reads here."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= JSON_CHARACTERS else f"{text[:JSON_CHARACTERS]}\n… (cut off here)"
