"""What a worker may still take from Redis, once Redis was away.

A worker takes no more messages than it has children, and each again when one was acknowledged. If
Redis goes meanwhile, the acknowledgements fail, and kombu keeps counting those messages: such a
worker takes nothing any more and, since it asks for nothing, never sees that its connection is
gone (celery/celery#10302, kombu 5.7.0).
"""

from __future__ import annotations

from typing import Any

from celery.signals import worker_init
from kombu.transport import virtual


@worker_init.connect
def forget_what_is_settled(**_: Any) -> None:
    """Have a message count no more once its work is done, whether or not Redis could be told.

    Redis gives one that it was not told of to a worker again after the visibility timeout; whoever
    gets it finds the work done.
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
