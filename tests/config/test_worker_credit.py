"""A message whose work is done counts no more, though Redis could not be told of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.transport import redis, virtual

from config.worker_credit import forget_what_is_settled


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
def test_a_worker_takes_further_messages_though_redis_could_not_be_told(settle, monkeypatch):
    monkeypatch.setattr(redis.Channel, "QoS", redis.QoS)
    forget_what_is_settled()

    assert _can_consume_after_settling(redis.Channel.QoS, settle)


@pytest.mark.parametrize("settle", ["ack", "reject"])
def test_kombu_still_counts_such_a_message(settle):
    """celery/celery#10302. When this fails, config/worker_credit.py is no longer needed."""
    assert not _can_consume_after_settling(redis.QoS, settle)
