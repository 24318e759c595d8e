"""What PostgreSQL and SQLite say differently: the only place that asks which of them it is.

Most functions return text for a statement; a few return what only a server can tell.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.db import DEFAULT_DB_ALIAS, connections


@cache
def is_postgresql() -> bool:
    """Return which of the two databases it is; only modules of this package ask."""
    return connections[DEFAULT_DB_ALIAS].vendor == "postgresql"


def server_version() -> tuple[int, ...] | None:
    """Return the version of the database server; None for SQLite, which has no server."""
    database = connections[DEFAULT_DB_ALIAS]
    return database.get_database_version() if is_postgresql() else None


def server_time() -> datetime | None:
    """Return the time of the database server; None when it runs on this host, as SQLite does."""
    if not is_postgresql():
        return None
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def has_concurrent_writers() -> bool:
    """Return whether several connections may write at once; on SQLite a single one does."""
    return is_postgresql()


def now() -> str:
    """Return the clock of the database, the same as Django's `Now()`."""
    if is_postgresql():
        return "STATEMENT_TIMESTAMP()"
    return "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"


def after(seconds: str) -> str:
    """Return the time so many seconds from now, by the same clock."""
    if is_postgresql():
        return f"STATEMENT_TIMESTAMP() + make_interval(secs => {seconds})"
    return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', ({seconds}) || ' seconds')"


def locking(clause: str) -> str:
    """Return a clause that locks rows, such as "FOR SHARE"; SQLite's only writer needs none."""
    return clause if is_postgresql() else ""


def json_text(column: str, member: str, name: str) -> str:
    """Return the text of `column[member][name]`; the column holds JSON as text.

    `member` is an expression, such as another column; `name` is a name of ours.
    """
    if is_postgresql():
        return f"{column}::json -> {member} ->> '{name}'"
    return f"json_extract({column}, '$.' || {member} || '.{name}')"


def with_value(table: str, select: str) -> tuple[str, str]:
    """Return a FROM item of `table` beside one value for each row, and the name of that value.

    `select` returns the value of a row. PostgreSQL keeps the value of a `select` that repeats if
    it is a join that must not be merged with the rest (OFFSET).
    """
    if is_postgresql():
        return f"{table} CROSS JOIN LATERAL ({select} OFFSET 0) AS beside (value)", "beside.value"
    return table, f"({select})"


def joined_row_by_row(table: str, alias: str, condition: str, *, limit: int) -> str:
    """Return a join that looks into `table` anew for each row to its left, by an index.

    At most `limit` rows are found for each. PostgreSQL's planner may take any condition to be true
    of every third row and read the whole table; a lateral query with a limit it must begin anew.
    SQLite has no lateral queries, and takes a CROSS JOIN in the order in which it is written.
    """
    if is_postgresql():
        inner = f"SELECT {alias}.* FROM {table} {alias} WHERE {condition} LIMIT {limit}"  # noqa: S608 (names of ours)
        return f"CROSS JOIN LATERAL ({inner}) AS {alias}"
    return f"CROSS JOIN {table} {alias} ON ({condition})"


def rows_of_arrays(alias: str, columns: dict[str, str]) -> str:
    """Return a FROM item that makes rows of one parameter for each column.

    PostgreSQL takes each column as lines of text, an empty line for NULL, since psycopg writes an
    array value by value. SQLite takes all of them as one JSON array of arrays.
    """
    if is_postgresql():
        arrays = ", ".join(
            f"string_to_array(%s, E'\\n', '')::{kind}[]" for kind in columns.values()
        )
        return f"unnest({arrays}) AS {alias}({', '.join(columns)})"
    members = ", ".join(
        f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(columns)
    )
    return f"(SELECT {members} FROM json_each(%s)) AS {alias}"  # noqa: S608 (names of ours)
