"""Reading, checking and marking many stored payloads, with the memory of a few."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import F, QuerySet, Value

from models_registry.contracts import PayloadCheck
from models_registry.errors import Fault
from subscriptions.models import EventSubscription, InputSource, Revalidation

# Rows that are in memory at a time; a payload may have 900 kB.
ROWS_AT_A_TIME = 64
# A stretch is left off after so many seconds, or so much to write: far below its lease, and below
# the database's limit for one statement.
EXAMINE_SECONDS = 5.0
CHANGES_BYTES = 4 * 1024 * 1024
NO_WARNINGS = "[]"


class Change(NamedTuple):
    """New warnings, as JSON, of a subscription that is still as it was when it was read.

    `id` is as the database gave it.
    """

    id: Any
    revision: int
    warnings: str


@dataclass
class Findings:
    """What was found in a stretch, up to and with the subscription `reached`."""

    reached: UUID
    checked: int = 0
    invalid: int = 0
    changes: list[Change] = field(default_factory=list)


class Between(Protocol):
    """A stretch of subscriptions: those after `after` (None is from the start), up to `until`."""

    @property
    def after(self) -> UUID | None: ...
    @property
    def until(self) -> UUID: ...


class Examiner:
    """Checks the payloads of one run against its schema; without one all of them fit."""

    def __init__(self, run: Revalidation) -> None:
        self._run = run
        self._faults: Callable[[str], list[Fault]] = lambda payload: []
        if run.schema is not None:
            self._faults = PayloadCheck(run.schema).faults

    def examine(self, stretch: Between) -> Findings:
        """Check the payloads of `stretch`, or its beginning if that is much work already.

        Must be outside a transaction. Writes nothing.
        """
        findings = Findings(stretch.until)
        stop_at, changed_bytes = time.monotonic() + EXAMINE_SECONDS, 0
        for id, revision, stored, payload in self._rows(stretch):
            faults = self._faults(payload)
            warnings = _lines(faults) if faults else NO_WARNINGS
            findings.checked += 1
            findings.invalid += bool(faults)
            if warnings != stored:
                findings.changes.append(Change(id, revision, warnings))
                changed_bytes += len(warnings)
            if changed_bytes > CHANGES_BYTES or time.monotonic() > stop_at:
                findings.reached = id if isinstance(id, UUID) else UUID(id)
                break
        return findings

    def _rows(self, stretch: Between) -> Iterator[tuple[Any, int, str, str]]:
        """Yield (id, revision, warnings, payload) in the order of ids, both texts as JSON."""
        rows = payloads_of(self._run).filter(pk__lte=stretch.until).order_by("pk")
        if stretch.after is not None:
            rows = rows.filter(pk__gt=stretch.after)
        payload = Value("") if self._run.schema is None else F("input")
        columns = rows.annotate(payload=payload).values_list(
            "pk", "revision", "warnings", "payload"
        )
        # The statement that Django makes, but not its rows: those would be decoded.
        sql, parameters = columns.query.get_compiler(connection=connection).as_sql()
        yield from _stream(sql, parameters)


def _lines(faults: list[Fault]) -> str:
    """Return warnings, as JSON, as `payload_warnings` puts them."""
    return orjson.dumps([f"input{path}: {message}" for path, message in faults]).decode()


def payloads_of(run: Revalidation) -> QuerySet[EventSubscription]:
    """Return the subscriptions whose payload a run is about."""
    return EventSubscription.objects.filter(
        target_id=run.model_id, target_action=run.action, input_source=InputSource.STORED
    )


def write_warnings(changes: Sequence[Change]) -> None:
    """Write new warnings in one statement, but not over a payload edited since it was read.

    Must be inside a transaction.
    """
    if not changes:
        return
    if connection.vendor == "postgresql":
        found = "json_to_recordset(%s::json) AS found(id uuid, revision int, warnings text)"
    else:
        found = (
            "(SELECT json_extract(value, '$.id') AS id,"
            " json_extract(value, '$.revision') AS revision,"
            " json_extract(value, '$.warnings') AS warnings FROM json_each(%s)) AS found"
        )
    table = EventSubscription._meta.db_table
    sql = f"""
        UPDATE {table} SET warnings = found.warnings,
                           has_warnings = (found.warnings <> '{NO_WARNINGS}')
        FROM {found}
        WHERE {table}.id = found.id AND {table}.revision = found.revision
        """  # noqa: S608 (table names and constants only)
    rows = [change._asdict() for change in changes]
    with connection.cursor() as cursor:
        cursor.execute(sql, [orjson.dumps(rows).decode()])


def _stream(sql: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a statement as the database gives them, a few in memory at a time."""
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            yield from cursor.stream(sql, parameters, size=ROWS_AT_A_TIME)
        else:
            cursor.execute(sql, parameters)
            yield from cursor
