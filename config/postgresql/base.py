"""The database backend of the settings: Django's own, with another check of pooled connections."""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db import OperationalError as DjangoOperationalError
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg import Connection, Cursor, OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from psycopg_pool import ConnectionPool

Taken = TypeVar("Taken")


# The server has become one that only reads, or has ended a transaction that stood still. Internal
# errors to psycopg, but they pass like a lost connection, and a new one is what is needed.
LOST = (ReadOnlySqlTransaction, IdleInTransactionSessionTimeout)


class ErrorWrapper(DatabaseErrorWrapper):
    """Django's translation of psycopg's errors, which takes some more for a lost connection."""

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
    """Django's wrapper, whose pool finds out without a statement that a connection has ended.

    A connection is taken from the pool for each request, so what taking one costs counts.
    """

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        pools: dict[str, ConnectionPool[Any]] = self._connection_pools  # type: ignore[attr-defined]
        made_before = pools.get(self.alias)
        if made_before is not None and self.settings_dict["OPTIONS"].get("pool"):
            return made_before
        options = self.settings_dict["OPTIONS"].get("pool")
        if options and self.alias == DEFAULT_DB_ALIAS and self.alias not in pools:
            made = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,  # Django opens it.
                configure=self._configure_connection,  # type: ignore[attr-defined]
                check=refuse_ended,
                **options,
            )
            pools.setdefault(self.alias, made)
        found: ConnectionPool[Any] | None = super().pool
        return found

    @cached_property
    def wrap_database_errors(self) -> ErrorWrapper:
        return ErrorWrapper(self)

    @property
    def is_watched(self) -> bool:
        """Tell whether somebody would see each statement, as tests do."""
        return bool(self.execute_wrappers or self.queries_logged)

    def execute_straight(
        self, sql: str, parameters: Sequence[Any], take: Callable[[Cursor[Any]], Taken]
    ) -> Taken:
        """Run a statement on psycopg's own cursor, and return what `take` takes from that.

        As on a cursor of Django's, whose wrappers around it cost as much as a short statement; they
        are what watches statements, so this is for when nobody does (`is_watched`).
        """
        self.close_if_health_check_failed()
        if self.connection is None:
            self.ensure_connection()
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            return take(self.connection.execute(sql, parameters))

    def execute_alone(
        self, sql: str, parameters: Sequence[Any], take: Callable[[Cursor[Any]], Taken]
    ) -> Taken:
        """Do the same with a statement that only reads, and of which the request needs no other.

        Where the request holds no connection it is run on one that goes back to the pool at once;
        to make it the request's own would cost as much as the statement.
        """
        pool = None if self.connection is not None else self.pool
        if pool is None:
            return self.execute_straight(sql, parameters, take)
        with self.wrap_database_errors:
            if pool.closed:
                pool.open()
            connection = pool.getconn()
            try:
                return take(connection.execute(sql, parameters))
            finally:
                pool.putconn(connection)

    def get_connection_params(self) -> dict[str, Any]:
        """Return what a connection is made with; where there is a pool already, nobody reads it."""
        has_pool = self.alias in self._connection_pools  # type: ignore[attr-defined]
        if has_pool and self.settings_dict["OPTIONS"].get("pool"):
            return {}
        params: dict[str, Any] = super().get_connection_params()
        return params

    def _set_autocommit(self, autocommit: bool) -> None:
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc]


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
