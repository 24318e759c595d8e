"""Finding due jobs that may be called behind any number of those that may not be now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models_registry.db import execute, statements
from models_registry.handlers import HANDLERS
from models_registry.models import Job, ModelVersion
from models_registry.queue.claim import is_due

JOBS, VERSIONS = Job._meta.db_table, ModelVersion._meta.db_table
# A search reads past all jobs of the functions that are left alone (about a microsecond for each
# of them), so that it is to be made for many claims, not for each.
FOUND_AT_MOST = 100


def callable_jobs(job_types: Sequence[str], left_alone: Collection[str]) -> list[tuple[str, str]]:
    """Return the jobs of these types that have been due longest, a hundred at most.

    Each by its id and the function that it calls, which is none of those `left_alone`. Locks
    nothing, so others may find the same, and claim some of them first.
    """
    if not job_types:
        return []
    source, function = _with_function()
    others = f"AND {function} NOT IN ({_places(left_alone)})" if left_alone else ""
    text = f"""SELECT id, {function} FROM {source}
        WHERE {is_due().text} AND job_type IN ({_places(job_types)}) {others}
        ORDER BY due_at LIMIT {FOUND_AT_MOST}"""  # noqa: S608 (names of ours)
    found = execute.read(text, (*job_types, *left_alone))
    return [(str(statements.shown_value(Job, "id", job_id)), name) for job_id, name in found]


def _with_function() -> tuple[str, str]:
    """Return the table of jobs, and what beside one of its rows is the name of its function.

    PostgreSQL keeps what it found out of a version for the version's next job, if it is asked by
    a join that it must not merge with the rest (OFFSET): else it would read the JSON for each job.
    """
    if execute.is_postgresql():
        function = _function("handlers::json -> job_type ->> '{}'")
        return f"{JOBS} CROSS JOIN LATERAL ({function} OFFSET 0) AS called (name)", "called.name"
    function = _function("json_extract(handlers, '$.' || job_type || '.{}')")
    return JOBS, f"({function})"


def _function(member: str) -> str:
    """Return what selects the name of a job's function, as `function_of` has it.

    `member` is how a member of the handler is read. What has no name is left alone by nobody.
    """
    names = ", ".join(member.format(handler.named_by) for handler in HANDLERS.values())
    return f"SELECT COALESCE({names}, '') FROM {VERSIONS} v WHERE v.id = version_id"  # noqa: S608 (names of ours)


def _places(values: Collection[str]) -> str:
    return ", ".join(["%s"] * len(values))
