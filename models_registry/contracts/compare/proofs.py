"""Containment proofs: whether one schema admits everything that another one admits.

jsonschema-rs' canonical forms prove it. A proof may take any time: two contracts of a hundred
properties were measured at 0.3 s, ten `oneOf` of two at minutes and gigabytes. So `prove` runs this
file as a script in a process of its own (40 ms to start, since it imports nothing of the project),
which forks for each question with hard limits of processor time and memory.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Sequence
from typing import Any

import jsonschema_rs

# The script that the process runs: this file.
PROVER = __file__
# For all questions of one comparison together; each has a second of processor time of its own.
SECONDS = 3.0
CPU_SECONDS = 1
MEMORY_BYTES = 1 << 30
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 18)

Question = tuple[Any, ...]


def covers(wide: dict[str, Any], narrow: dict[str, Any]) -> Question:
    """Return the question whether `wide` admits everything that `narrow` admits."""
    return ("covers", wide, narrow)


def admits_nothing(schema: dict[str, Any]) -> Question:
    """Return the question whether no value at all fits `schema`."""
    return ("never", schema)


def prove(questions: Sequence[Question]) -> list[bool]:
    """Return which are proved; False may mean anything. Must be outside any transaction."""
    import subprocess  # not when this is the script: it takes a fifth of its start

    if not questions:
        return []
    lines = "\n".join(json.dumps(question) for question in questions).encode()
    try:
        # The interpreter and this file; the schemas are data on standard input.
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


def _answer(question: list[Any]) -> bool:
    """Return whether it is proved; False may mean anything."""
    try:
        if question[0] == "covers":
            wide, narrow = _canonical(question[1]), _canonical(question[2])
            return wide.covers(narrow) is jsonschema_rs.canonical.Containment.YES
        never = jsonschema_rs.canonical.Satisfiability.NO
        return _canonical(question[1]).satisfiability() is never
    except (ValueError, jsonschema_rs.canonical.CanonicalizationError):
        return False


def _canonical(schema: Any) -> jsonschema_rs.CanonicalSchema:
    return jsonschema_rs.canonicalize(
        schema,
        draft=jsonschema_rs.Draft202012,
        validate_formats=False,
        pattern_options=PATTERNS,
        offline=True,
    )


def _answer_in_fork(question: list[Any]) -> bool:
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        is_proved = False
        try:
            is_proved = _answer(question)
        finally:
            os._exit(0 if is_proved else 1)
    return os.waitpid(pid, 0)[1] == 0


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write("yes\n" if _answer_in_fork(json.loads(line)) else "unknown\n")
        sys.stdout.flush()
