"""Kombu's Redis transport with our corrections, each as long as kombu needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import redis, virtual

from config.redis_transport import QoS, Transport


@contextmanager
def _redis_is_away(*_: Any) -> Iterator[None]:
    raise ConnectionError
    yield


def _can_consume_after_settling(qos_class: type[virtual.QoS], settle: str) -> bool:
    channel = SimpleNamespace(conn_or_acquire=_redis_is_away)
    qos = qos_class(channel, prefetch_count=1)
    qos.restore_at_shutdown = False
    virtual.QoS.append(qos, SimpleNamespace(), "tag")
    assert not qos.can_consume()
    with pytest.raises(ConnectionError):
        getattr(qos, settle)("tag")
    return bool(qos.can_consume())


@pytest.mark.parametrize("settle", ["ack", "reject"])
def test_a_worker_takes_further_messages_though_redis_could_not_be_told(settle):
    assert _can_consume_after_settling(QoS, settle)


@pytest.mark.parametrize("settle", ["ack", "reject"])
def test_kombu_still_counts_such_a_message(settle):
    """When this fails, `QoS` in config/redis_transport.py is needed no longer (celery#10302)."""
    assert not _can_consume_after_settling(redis.QoS, settle)


def _take(transport: type[redis.Transport], item: bytes) -> None:
    """Have a channel of this transport read an item from a queue."""
    with Connection("redis://127.0.0.1:1", transport=transport) as connection:
        channel = object.__new__(transport.Channel)
        channel.connection = connection.transport
        reply = SimpleNamespace(connection=None, parse_response=lambda *_, **__: (b"q", item))
        cycle = SimpleNamespace(rotate=lambda queue: None)
        channel.__dict__.update(client=reply, _in_poll=None, _queue_cycle=cycle)
        channel._brpop_read()


def test_an_item_that_is_no_json_is_dropped():
    _take(Transport, b"not json")


def test_kombu_still_raises_for_an_item_that_is_no_json():
    """When this fails, `Channel` in config/redis_transport.py is no longer needed."""
    with pytest.raises(ValueError):
        _take(redis.Transport, b"not json")
