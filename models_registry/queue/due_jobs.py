"""Finding due jobs that may be called behind any number of those that may not be now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models_registry.db import dialect, sql, statements
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
    # Most jobs are of few versions, whose JSON is then read once.
    source, function = dialect.with_value(JOBS, _function())
    others = f"AND {function} NOT IN ({_places(left_alone)})" if left_alone else ""
    text = f"""SELECT id, {function} FROM {source}
        WHERE {is_due().text} AND job_type IN ({_places(job_types)}) {others}
        ORDER BY due_at LIMIT {FOUND_AT_MOST}"""  # noqa: S608 (names of ours)
    found = sql.read(text, (*job_types, *left_alone))
    return [(str(statements.shown_value(Job, "id", job_id)), name) for job_id, name in found]


def _function() -> str:
    """Return what selects the name of a job's function, as `function_of` has it.

    What has no name is left alone by nobody.
    """
    names = ", ".join(
        dialect.json_text("handlers", "job_type", handler.named_by) for handler in HANDLERS.values()
    )
    return f"SELECT COALESCE({names}, '') FROM {VERSIONS} v WHERE v.id = version_id"  # noqa: S608 (names of ours)


def _places(values: Collection[str]) -> str:
    return ", ".join(["%s"] * len(values))
