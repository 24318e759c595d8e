"""The connection to PostgreSQL: what is lost is noticed, and replaced by one that can write."""

from __future__ import annotations

import socket
import time

import psycopg
import psycopg_pool
import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test.utils import CaptureQueriesContext

from config.postgresql.base import refuse_ended
from models_registry.models import Model
from tests.factories import make_model
from tests.faults.processes import environment

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_a_server_that_is_gone_without_a_word_is_noticed_within_seconds():
    """The kernel would wait for a quarter of an hour, and for hours if nothing is to be sent."""
    connection.ensure_connection()
    with socket.socket(fileno=socket.dup(connection.connection.fileno())) as wire:
        options = [
            wire.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_USER_TIMEOUT,
                socket.TCP_KEEPIDLE,
                socket.TCP_KEEPINTVL,
                socket.TCP_KEEPCNT,
            )
        ]
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    assert options == [10_000, 10, 5, 2]


def test_a_server_that_only_reads_is_not_connected_to(monkeypatch):
    """After a failover the old one may still answer."""
    wanted = connection.get_connection_params()["target_session_attrs"]
    reads_only = {"options": "-c default_transaction_read_only=on"}
    with pytest.raises(psycopg.OperationalError, match="read-only"):
        psycopg.connect(environment()["DATABASE_URL"], target_session_attrs=wanted, **reads_only)


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_connection_on_which_nothing_can_be_written_any_more_is_replaced(in_transaction):
    """It is as lost as one that broke; kept, it would refuse every change for an hour."""
    make_model("a")
    before = _backend()
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    with pytest.raises(OperationalError, match="read-only"):
        _rename(in_transaction=in_transaction)
    connection.close()

    _rename(in_transaction=in_transaction)
    assert _backend() != before
    assert Model.objects.get().name == "new"


def test_a_pooled_connection_that_the_server_ended_is_not_used_again():
    """And nothing is asked of one that is well before it is used."""
    make_model("a")
    ended = _backend()
    connection.close()
    with psycopg.connect(environment()["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ended])
        while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [ended]).fetchone():
            time.sleep(0.01)

    with CaptureQueriesContext(connection) as captured:
        assert Model.objects.get().pk == "a"
    assert len(captured) == 1
    assert _backend() != ended


def test_django_has_no_way_yet_to_check_pooled_connections_in_a_way_of_ours():
    """When this fails, give `refuse_ended` as Django has it, and not by psycopg_pool's `_check`."""
    settings = {**connection.settings_dict, "OPTIONS": {"pool": {"check": refuse_ended}}}
    djangos = DatabaseWrapper(settings, alias="checked")
    with pytest.raises(TypeError, match="multiple values for keyword argument 'check'"):
        _ = djangos.pool
    assert connection.pool._check is refuse_ended
    assert "_check" in vars(psycopg_pool.ConnectionPool("", open=False))


def _rename(*, in_transaction: bool) -> None:
    if in_transaction:
        with transaction.atomic():
            Model.objects.update(name="new")
    else:
        Model.objects.update(name="new")


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
