"""Where trained models are kept: one JSON file for each version of each model."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from _norris import FIGURES, Line, fit

# Set by the local endpoint; a real function would use S3.
MODEL_DIR = Path(os.environ.get("MODEL_DIR") or Path(tempfile.gettempdir()) / "modelpact-models")


def path_of(event: dict[str, Any]) -> Path:
    """Return the file of the version that the event names."""
    return MODEL_DIR / event["model_id"] / f"{event['model_version']}.json"


def save(event: dict[str, Any], line: Line) -> Path:
    """Keep what was trained; a reader sees the old file or the new one, never half of it."""
    path = path_of(event)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{event['job_id']}")
    draft.write_text(json.dumps(line), encoding="utf-8")
    draft.replace(path)
    return path


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
