"""Stored payloads in bulk: stream them, check them, and write their warnings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast

from models_registry.contracts import PayloadCheck
from models_registry.db import bulk, sql
from models_registry.errors import Fault
from subscriptions.models import EventSubscription, InputSource, Revalidation

# Rows that are in memory at a time; a payload may have 900 kB.
ROWS_AT_A_TIME = 64
# A chunk is recorded in part after so many seconds, or so much to write: far below its lease, and
# below the database's limit for one statement.
EXAMINE_SECONDS = 5.0
CHANGES_BYTES = 4 * 1024 * 1024
NO_WARNINGS = "[]"


class Change(NamedTuple):
    """New warnings, as JSON, for a subscription if its `revision` is still the one that was read.

    `id` is in the database's own notation.
    """

    id: str
    revision: int
    warnings: str


@dataclass
class Findings:
    """What was found in a chunk, up to and including the subscription `reached`."""

    reached: UUID
    checked: int = 0
    invalid: int = 0
    changes: list[Change] = field(default_factory=list)


class Chunk(Protocol):
    """Subscriptions with ids after `after` (None is from the start), up to `until`."""

    @property
    def after(self) -> UUID | None: ...
    @property
    def until(self) -> UUID: ...


class Examiner:
    """Checks the payloads of one run against its schema; without a schema all of them fit."""

    def __init__(self, run: Revalidation) -> None:
        self._run = run
        self._faults: Callable[[str], list[Fault]] = lambda payload: []
        if run.schema is not None:
            self._faults = PayloadCheck(run.schema).faults

    def examine(self, chunk: Chunk) -> Findings:
        """Check the payloads of `chunk`, or only the first of them if that is much work already.

        Must be outside a transaction. Writes nothing.
        """
        findings = Findings(chunk.until)
        stop_at, changed_bytes = time.monotonic() + EXAMINE_SECONDS, 0
        # Local names: attribute look-ups count at some 4 µs for each payload.
        find, changes, now = self._faults, findings.changes, time.monotonic
        checked = invalid = 0
        for id, revision, stored, payload in self._rows(chunk):
            checked += 1
            warnings = NO_WARNINGS
            if faults := find(payload):
                invalid += 1
                warnings = _lines(faults)
            if warnings != stored:
                changes.append(Change(id, revision, warnings))
                changed_bytes += len(warnings)
            if changed_bytes > CHANGES_BYTES or now() > stop_at:
                findings.reached = UUID(id)
                break
        findings.checked, findings.invalid = checked, invalid
        return findings

    def _rows(self, chunk: Chunk) -> Iterator[Sequence[Any]]:
        """Yield (id, revision, warnings, payload) in the order of ids; all but one as text."""
        rows = payloads_of(self._run).filter(pk__lte=chunk.until).order_by("pk")
        if chunk.after is not None:
            rows = rows.filter(pk__gt=chunk.after)
        payload = Value("") if self._run.schema is None else F("input")
        # Ids as text: nothing needs a UUID object of each.
        columns = rows.annotate(id_text=Cast("pk", TextField()), payload=payload).values_list(
            "id_text", "revision", "warnings", "payload"
        )
        # Django's statement, but not its rows: it would decode their JSON.
        return sql.stream(sql.of_queryset(columns), size=ROWS_AT_A_TIME)


def _lines(faults: list[Fault]) -> str:
    """Return warnings, as JSON, in the words of `payload_warnings`."""
    return orjson.dumps([f"input{path}: {message}" for path, message in faults]).decode()


def payloads_of(run: Revalidation) -> QuerySet[EventSubscription]:
    """Return the subscriptions whose payloads a run checks."""
    return EventSubscription.objects.filter(
        target_id=run.model_id, target_action=run.action, input_source=InputSource.STORED
    )


def write_warnings(changes: Sequence[Change]) -> None:
    """Write new warnings in one statement, except for a payload that was edited meanwhile.

    Must be inside a transaction.
    """
    if not changes:
        return
    kinds = {"id": "uuid", "revision": "int", "warnings": "text"}
    found, given = bulk.records("found", kinds, changes)
    table = EventSubscription._meta.db_table
    text = f"""
        UPDATE {table} SET warnings = found.warnings,
                           has_warnings = (found.warnings <> '{NO_WARNINGS}')
        FROM {found}
        WHERE {table}.id = found.id AND {table}.revision = found.revision
        """  # noqa: S608 (table names and constants only)
    sql.run(text, given)
