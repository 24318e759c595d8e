"""Asking for proofs in a process that can be killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

PROVER = Path(__file__).with_name("prover.py")
# For all questions of one comparison together; each has its own second of processor time.
SECONDS = 3.0

Question = tuple[Any, ...]


def covers(wide: dict[str, Any], narrow: dict[str, Any]) -> Question:
    """The question whether `wide` admits everything that `narrow` admits."""
    return ("covers", wide, narrow)


def admits_nothing(schema: dict[str, Any]) -> Question:
    """The question whether no value at all fits `schema`."""
    return ("never", schema)


def prove(questions: Sequence[Question]) -> list[bool]:
    """Return which of these are proved; False is no answer. Must be outside any transaction."""
    if not questions:
        return []
    lines = b"\n".join(orjson.dumps(question) for question in questions)
    try:
        # The interpreter and a file of ours; what callers wrote goes in as data.
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", PROVER],
            input=lines,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        output = done.stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
    answers = [line == b"yes" for line in output.splitlines()]
    return (answers + [False] * len(questions))[: len(questions)]
