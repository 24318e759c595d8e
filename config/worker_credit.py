"""A patch of kombu's QoS: messages that Redis could not be asked to acknowledge count no more.

A worker holds at most as many unacknowledged messages as it has children (its prefetch count). If
Redis goes away, acknowledgements fail and kombu 5.7.0 keeps counting their messages: the worker
consumes nothing any more and never notices that its connection is gone (celery/celery#10302).
tests/config/test_worker_credit.py fails when a new kombu makes this unnecessary.
"""

from __future__ import annotations

from typing import Any

from celery.signals import worker_init
from kombu.transport import virtual


@worker_init.connect
def forget_what_is_settled(**_: Any) -> None:
    """Stop counting a message once its work is done, even if Redis could not be told.

    Redis delivers such a message again after the visibility timeout; the worker that gets it finds
    the work done.
    """
    # Imported here: a worker of the embedded default has no Redis, and need not load its client.
    from kombu.transport import redis

    class Settling(redis.QoS):
        def ack(self, delivery_tag: str) -> None:
            try:
                super().ack(delivery_tag)
            except Exception:
                virtual.QoS.ack(self, delivery_tag)
                raise

        def reject(self, delivery_tag: str, requeue: bool = False) -> None:
            try:
                super().reject(delivery_tag, requeue)
            except Exception:
                virtual.QoS.ack(self, delivery_tag)
                raise

    redis.Channel.QoS = Settling
