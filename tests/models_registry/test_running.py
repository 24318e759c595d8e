"""Statements take the short way, and behave as on Django's cursors."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from models_registry.db.execute import read, read_once, run
from models_registry.models import Model
from tests.factories import make_model

pytestmark = pytest.mark.django_db

TABLE = Model._meta.db_table
NAMES = f"SELECT name FROM {TABLE} WHERE id = %s"
RENAME = f"UPDATE {TABLE} SET name = %s WHERE id = %s"
AGAIN = f"INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE id = %s"


@pytest.fixture
def one(db) -> str:
    return make_model("one", name="One").pk


@pytest.mark.parametrize("way", [read, read_once])
def test_rows_come_back(one, way):
    assert [tuple(row) for row in way(NAMES, [one])] == [("One",)]
    assert list(way(NAMES, ["another"])) == []


def test_how_many_rows_were_written_comes_back(one):
    assert (run(RENAME, ["Uno", one]), run(RENAME, ["Uno", "another"])) == (1, 0)
    assert read(NAMES, [one])[0][0] == "Uno"


def test_an_error_is_djangos(one):
    with pytest.raises(IntegrityError), transaction.atomic():
        run(AGAIN, [one])
    assert read(NAMES, [one])


def test_after_an_error_a_transaction_takes_no_statement(one):
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            read(NAMES, [one])


def test_whoever_watches_statements_sees_them(one):
    """The tests that count statements rest on it."""
    with CaptureQueriesContext(connection) as captured:
        read(NAMES, [one])
        read_once(NAMES, [one])
        run(RENAME, ["Uno", one])

    assert len(captured) == 3


@pytest.mark.postgres
def test_an_error_of_reading_the_rows_is_djangos_too(db):
    with pytest.raises(DataError):
        read("SELECT 'infinity'::timestamptz", [])
