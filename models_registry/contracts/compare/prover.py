"""Whether one schema admits all that another admits, proved by jsonschema-rs' canonical forms.

The proof may take any time: two contracts of a hundred properties were measured at 0.3 s, ten
`oneOf` of two at minutes and gigabytes. So it runs here: as a script of its own that imports
nothing of the project (40 ms to start), each question in a fork with hard limits of processor
time and memory. Only small plain schemas are asked about in the caller's own process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

import jsonschema_rs

CPU_SECONDS = 1
MEMORY_BYTES = 1 << 30
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 18)


def answer(question: list[Any]) -> bool:
    """Return True when it is proved; False says nothing.

    ["covers", wide, narrow]: everything `narrow` admits, `wide` admits too.
    ["never", schema]: the schema admits nothing.
    """
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
            is_proved = answer(question)
        finally:
            os._exit(0 if is_proved else 1)
    return os.waitpid(pid, 0)[1] == 0


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write("yes\n" if _answer_in_fork(json.loads(line)) else "unknown\n")
        sys.stdout.flush()
