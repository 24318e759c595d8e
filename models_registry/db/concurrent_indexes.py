"""Migrations' indexes on large tables: made and taken away while everybody goes on writing.

A migration with one of these must have `atomic = False`, and may be run again when it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres import operations
from django.db.migrations import AddIndex, RemoveIndex

# What an index that was cut off halfway leaves: of its name, written to, and never read.
LEFT_BEHIND = """
    SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname = %s AND pg_table_is_visible(indexrelid) AND NOT indisvalid"""
# Such a statement waits for every older transaction, which may take longer than others may wait.
BOUNDS = ("lock_timeout", "statement_timeout")


class AddIndexMeanwhile(operations.AddIndexConcurrently):
    """Add an index without keeping writers waiting."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, *states)
            return
        with _unhurried(schema_editor):
            _remove_what_was_left(schema_editor, self.index.name)
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_backwards(self, app_label, schema_editor, *states)
            return
        with _unhurried(schema_editor):
            super().database_backwards(app_label, schema_editor, *states)


class RemoveIndexMeanwhile(operations.RemoveIndexConcurrently):
    """Remove an index without keeping anybody waiting."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            RemoveIndex.database_forwards(self, app_label, schema_editor, *states)
            return
        with _unhurried(schema_editor):
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            RemoveIndex.database_backwards(self, app_label, schema_editor, *states)
            return
        with _unhurried(schema_editor):
            _remove_what_was_left(schema_editor, self.name)
            super().database_backwards(app_label, schema_editor, *states)


@contextmanager
def _unhurried(schema_editor: Any) -> Iterator[None]:
    """Let a statement wait and take as long as it must: an index cut off stays, unusable."""
    for bound in BOUNDS:
        schema_editor.execute(f"SET {bound} TO 0")
    try:
        yield
    finally:
        for bound in BOUNDS:
            schema_editor.execute(f"RESET {bound}")


def _remove_what_was_left(schema_editor: Any, name: str) -> None:
    """Take away an index that an earlier run did not finish, so that it can be made anew."""
    if schema_editor.collect_sql:  # only shown; what is left behind is known when it is run
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND, [name])
        is_left = cursor.fetchone() is not None
    if is_left:
        quoted = schema_editor.quote_name(name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
