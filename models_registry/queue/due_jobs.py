"""Search for due jobs behind any number of jobs whose functions' circuit breakers are open."""

from __future__ import annotations

from collections.abc import Collection

from models_registry.db import dialect, sql, statements
from models_registry.handlers import HANDLERS
from models_registry.models import Job, ModelVersion
from models_registry.queue.claim import handler_member, is_called, is_due

JOBS, VERSIONS = Job._meta.db_table, ModelVersion._meta.db_table
# A search reads past all jobs of functions that may not be called (about a microsecond for each),
# so one search serves many claims.
FOUND_AT_MOST = 100


def callable_jobs(open_functions: Collection[str], *, synchronous: bool) -> list[tuple[str, str]]:
    """Return the jobs that have been due longest, a hundred at most, with the functions they call.

    None of them calls one of `open_functions`. Locks nothing: other workers may find the same jobs
    and claim some of them first.
    """
    # Most jobs are of few versions, whose JSON is then read once.
    source, function = dialect.with_value(JOBS, _function())
    called = is_called(synchronous=synchronous)
    others = f"AND {function} NOT IN ({_places(open_functions)})" if open_functions else ""
    text = f"""SELECT id, {function} FROM {source}
        WHERE {is_due().text} AND {called.text} {others}
        ORDER BY due_at LIMIT {FOUND_AT_MOST}"""  # noqa: S608 (names of ours)
    found = sql.read(text, (*called.parameters, *open_functions))
    return [(str(statements.shown_value(Job, "id", job_id)), name) for job_id, name in found]


def _function() -> str:
    """Return what selects the name of a job's function, as `function_of` returns it.

    A handler without a name gets "", which is no function's.
    """
    names = ", ".join(handler_member(handler.named_by) for handler in HANDLERS.values())
    return f"SELECT COALESCE({names}, '') FROM {VERSIONS} v WHERE v.id = version_id"  # noqa: S608 (names of ours)


def _places(values: Collection[str]) -> str:
    return ", ".join(["%s"] * len(values))
