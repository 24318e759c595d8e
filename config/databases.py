"""How the database is connected to; nothing here may wait for ever."""

from __future__ import annotations

from typing import Any

SQLITE = {
    # A deferred transaction that reads and then writes gets "database is locked" at once,
    # without waiting for the timeout; IMMEDIATE takes the write lock first.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    " PRAGMA foreign_keys=ON; PRAGMA busy_timeout=20000;",
}
POSTGRESQL = {
    # The server parses and plans a statement once per connection, not each time.
    "server_side_binding": True,
    "prepare_threshold": 2,
    "connect_timeout": 5,
    # A server that is gone without a word, or the way to it: noticed after so many milliseconds by
    # who sends, and after 20 seconds by who waits. The kernel's own way takes a quarter of an hour,
    # or two hours.
    "tcp_user_timeout": 10_000,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    # One that only reads, as after a failover, is no server to connect to.
    "target_session_attrs": "read-write",
}
# PostgreSQL itself has none of these.
LIMITS = "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"


def with_options(database: dict[str, Any], *, pool_size: int) -> dict[str, Any]:
    """Return an entry of Django's DATABASES with our options, in place of what its URL made.

    What stands after the URL's question mark, such as sslmode=verify-full, counts for more than
    ours; its `options` are said after our limits.
    """
    of_url: dict[str, Any] = database.get("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        return {**database, "OPTIONS": {**SQLITE, **of_url}}
    pool = {
        "min_size": 1,
        "max_size": pool_size,
        "timeout": 5,
        # Tries to connect again wait ever longer, by default for as long as the database was
        # away; after this many seconds whoever asks next has it tried at once.
        "reconnect_timeout": 5,
    }
    options = f"{LIMITS} {of_url.get('options', '')}"
    # Django's own engine, but it looks whether a connection has ended instead of asking the server.
    return {
        **database,
        "ENGINE": "config.postgresql",
        "OPTIONS": {**POSTGRESQL, "pool": pool, **of_url, "options": options},
    }
