"""Looking a deployment over: what is wrong with it, and what to do. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from config.doctor import broker, configuration, database, functions, tokens
from config.doctor.findings import Finding, problem

Examination = Callable[[], Iterable[Finding]]
# In the order in which they are shown; each may take some seconds, so they run side by side.
EXAMINATIONS: tuple[tuple[str, Examination], ...] = (
    ("configuration", configuration.examine),
    ("database", database.examine),
    ("broker", broker.examine),
    ("tokens", tokens.examine),
    ("functions", functions.examine),
)


def examine() -> list[Finding]:
    """Look at everything; what one examination can't bear does not stop the others."""
    with ThreadPoolExecutor(len(EXAMINATIONS)) as pool:
        found = pool.map(lambda named: _run(*named), EXAMINATIONS)
        return [finding for findings in found for finding in findings]


def _run(subject: str, examination: Examination) -> list[Finding]:
    try:
        return list(examination())
    except Exception as error:  # such as a database that is away
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return [problem(subject, f"It could not be looked at: {said}", "See the other problems.")]
    finally:
        connections.close_all()
