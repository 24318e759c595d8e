"""The database backend of the settings: Django's own, with another check of pooled connections."""

from __future__ import annotations

import select
from typing import Any

from django.db import OperationalError as DjangoOperationalError
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg import Connection, OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from psycopg_pool import ConnectionPool

# The server has become one that only reads, or has ended a transaction that stood still. Internal
# errors to psycopg, but they pass like a lost connection, and a new one is what is needed.
LOST = (ReadOnlySqlTransaction, IdleInTransactionSessionTimeout)


class ErrorWrapper(DatabaseErrorWrapper):
    """Django's translation of psycopg's errors, which takes some more for a lost connection.

    After a failover the old server may still answer, and refuse every change; Django would keep
    the connection to it.
    """

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is None:
            return
        if isinstance(error, LOST):
            self.wrapper.errors_occurred = True  # type: ignore[attr-defined]
            if self.wrapper.connection is not None:  # type: ignore[attr-defined]
                # A pool takes back what is open, and would offer it for ever.
                self.wrapper.connection.close()  # type: ignore[attr-defined]
            raise DjangoOperationalError(*error.args).with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, whose pool finds out without a statement that a connection has ended."""

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        """Return Django's pool, which checks a connection before it is used by `refuse_ended`.

        A pool takes a function of ours for that (`check`), but Django 5.2 and 6.0 pass one of two
        of their own, and refuse another among the options of the pool as given twice. Hence the
        private name, which psycopg_pool has had since `check` came in 3.2.
        """
        pool: ConnectionPool[Any] | None = super().pool
        if pool is not None:
            pool._check = refuse_ended  # noqa: SLF001 (see above)
        return pool

    @cached_property
    def wrap_database_errors(self) -> ErrorWrapper:
        return ErrorWrapper(self)


def refuse_ended(connection: Connection[Any]) -> None:
    """Raise OperationalError for an idle connection that the server has ended, or is ending.

    On an idle connection the server says nothing of itself but that. Asking with a statement, as
    Django does, costs each request a round trip, a quarter of the time of a short read.
    """
    if connection.closed:
        raise OperationalError("The connection is closed.")
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        # The pool takes back what is open, and would offer it for ever.
        connection.close()
        raise OperationalError("The server has ended the connection.")
