"""Indexes that migrations make and take away beside writers: never cut off, never left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, connections, models, transaction
from django.db.migrations.state import ModelState, ProjectState

from models_registry.db.concurrent_indexes import AddIndexMeanwhile, RemoveIndexMeanwhile
from models_registry.models import Model
from tests.waiting import eventually

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

INDEX = models.Index(fields=["description"], name="model_described")
ADD = AddIndexMeanwhile("model", INDEX)
REMOVE = RemoveIndexMeanwhile("model", INDEX.name)
WAITS_FOR_A_TRANSACTION = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '%% INDEX CONCURRENTLY %%model_described%%')"""


def _states() -> tuple[ProjectState, ProjectState]:
    """Return the registry's models without the index, and with it."""
    without = ProjectState()
    without.add_model(ModelState.from_model(Model, exclude_rels=True))
    without.apps  # noqa: B018 (rendered while no index is in it)
    having = without.clone()
    ADD.state_forwards("models_registry", having)
    return without, having


def _run(move: Callable[..., None], *states: ProjectState) -> None:
    with connection.schema_editor(atomic=False) as editor:
        move("models_registry", editor, *states)


def _add() -> None:
    _run(ADD.database_forwards, *_states())


def _take_back_the_addition() -> None:
    _run(ADD.database_backwards, *reversed(_states()))


def _remove() -> None:
    _run(REMOVE.database_forwards, *reversed(_states()))


def _take_back_the_removal() -> None:
    _run(REMOVE.database_backwards, *_states())


def _is_valid() -> bool | None:
    """Say whether the index is usable; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX.name]
        )
        found = cursor.fetchone()
    return found[0] if found else None


@contextmanager
def _hurried() -> Iterator[None]:
    """Have this connection wait for a lock no longer than it takes to see that it must."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout TO '1ms'")
        yield
        cursor.execute("RESET lock_timeout")


@contextmanager
def _an_older_transaction() -> Iterator[threading.Event]:
    """Have another connection write to the table, and end when the event is set."""
    is_open, may_end = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                Model.objects.update(description="another")
                is_open.set()
                assert may_end.wait(30)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert is_open.wait(10)
        yield may_end
    finally:
        may_end.set()
        writer.join(30)


def _let_end_when_waited_for(may_end: threading.Event) -> threading.Thread:
    def watch() -> None:
        try:
            eventually(_is_waited_for)
            # So long as nothing but the operation lets that connection wait for a lock.
            time.sleep(0.1)
        finally:
            may_end.set()
            connections.close_all()

    watcher = threading.Thread(target=watch)
    watcher.start()
    return watcher


def _is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS_FOR_A_TRANSACTION)
        return bool(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def no_index_is_left() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX.name}")


@pytest.mark.parametrize(
    ("before", "move", "is_there"),
    [
        (None, _add, True),
        (_add, _take_back_the_addition, None),
        (_add, _remove, None),
        (None, _take_back_the_removal, True),
    ],
)
def test_each_direction_waits_for_an_older_transaction_however_short_waits_are(
    before, move, is_there
):
    if before:
        before()
    with _hurried(), _an_older_transaction() as may_end:
        watcher = _let_end_when_waited_for(may_end)
        move()
        watcher.join(30)

    assert _is_valid() is is_there


@pytest.mark.parametrize("move", [_add, _take_back_the_removal])
def test_what_was_cut_off_halfway_is_made_anew(move):
    with _hurried(), _an_older_transaction(), pytest.raises(DatabaseError):
        connection.cursor().execute(
            f"CREATE INDEX CONCURRENTLY {INDEX.name} ON models_registry_model (description)"
        )
    assert _is_valid() is False

    move()

    assert _is_valid() is True


def test_other_statements_are_bounded_as_before():
    bounds = ("lock_timeout", "statement_timeout")

    def bounds_now() -> list[str]:
        with connection.cursor() as cursor:
            return [cursor.execute(f"SHOW {bound}").fetchone()[0] for bound in bounds]

    before = bounds_now()
    _add()
    with pytest.raises(DatabaseError):
        _add()  # the name is taken, by a usable one

    assert bounds_now() == before
    assert "0" not in before
