"""Where results are kept: one JSON file for each version's model, and for each long answer."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from _norris import FIGURES, Line, fit

# Set by the local endpoint; a real function would use S3.
MODEL_DIR = Path(os.environ.get("MODEL_DIR") or Path(tempfile.gettempdir()) / "modelpact-models")

# Lambda returns at most 6 MiB, and its callers may take a little less.
ANSWER_LIMIT_BYTES = 5_000_000


def path_of(event: dict[str, Any]) -> Path:
    """Return the file of the version that the event names."""
    return MODEL_DIR / event["model_id"] / f"{event['model_version']}.json"


def save(event: dict[str, Any], line: Line) -> Path:
    """Keep what was trained; a reader sees the old file or the new one, never half of it."""
    path = path_of(event)
    _write(path, json.dumps(line), draft=f".{path.name}.{event['job_id']}")
    return path


def bounded(event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it is, or, when it is longer than Lambda returns, where it is kept.

    As functions on AWS do with S3: `{"predictions": [], "kept_in": "<a JSON file>"}`.
    """
    text = json.dumps(answer)
    if len(text) <= ANSWER_LIMIT_BYTES:
        return answer
    path = path_of(event).parent / "answers" / f"{event['job_id']}.json"
    _write(path, text, draft=f".{path.name}")
    return {**{name: [] for name in answer}, "kept_in": str(path)}


def _write(path: Path, text: str, *, draft: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(draft)
    written.write_text(text, encoding="utf-8")
    written.replace(path)


def load(event: dict[str, Any]) -> Line:
    """Return what was trained for the event's version.

    A version that was made active by hand was never trained here: the line through the shipped
    figures serves it.
    """
    try:
        line: Line = json.loads(path_of(event).read_text(encoding="utf-8"))
    except FileNotFoundError:
        line = fit(FIGURES, "NIST Norris")
    return line
