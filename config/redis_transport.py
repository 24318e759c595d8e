"""Celery's Redis transport, which survives messages that cannot be read and lost acknowledgements.

The private names of kombu 5.7.0 are used here and nowhere else.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from kombu.transport import redis, virtual

from models_registry.observability import metrics

logger = logging.getLogger(__name__)


class QoS(redis.QoS):
    """Stops counting a message once its work is done, whether or not Redis could be told.

    A worker takes no more messages than it has children, and one more for each acknowledgement. If
    an acknowledgement fails because Redis is away, kombu keeps counting that message, and in the
    end the worker takes nothing any more (celery/celery#10302). Redis delivers such a message again
    after the visibility timeout; whoever gets it finds the work done.
    """

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


class Channel(redis.Channel):
    """Drops an item of a queue that is no JSON; kombu's channel ends the worker with an error."""

    QoS = QoS

    def _brpop_read(self, **options: Any) -> bool | None:
        try:
            taken: bool | None = super()._brpop_read(**options)  # type: ignore[misc]
        except ValueError as error:  # the item is taken from the list and is no JSON, or no UTF-8
            _drop(type(error).__name__)
            return True
        return taken


class Transport(redis.Transport):
    """Delivers only envelopes that kombu can open; what else lies in a queue is logged and dropped.

    Such a message can't be work of ours: whatever must happen is a row, and the sweep finds it.
    """

    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:
        fault = _fault(message)
        if fault:
            _drop(fault)
        else:
            super()._deliver(message, queue)


def _fault(message: Any) -> str | None:
    """Return why a worker could not take this message, or None."""
    if not isinstance(message, dict):
        return "no_envelope"
    properties, headers = message.get("properties"), message.get("headers") or {}
    if not isinstance(properties, dict) or not isinstance(headers, dict):
        return "no_envelope"
    if not isinstance(properties.get("delivery_tag"), str):
        return "no_delivery_tag"
    if not isinstance(properties.get("delivery_info"), dict):
        return "no_delivery_info"
    if message.get("content-type") != "application/json":
        return "content_type"
    try:
        body = json.loads(_decoded(message.get("body"), properties.get("body_encoding")))
    except (KeyError, TypeError, ValueError):
        return "body"
    # Protocol 2 of Celery: the arguments by position and by name, and what follows the task.
    is_call = isinstance(body, list) and [type(part) for part in body] == [list, dict, dict]
    return None if is_call or "task" not in headers else "arguments"


def _decoded(body: Any, encoding: Any) -> Any:
    return Channel.codecs[encoding].decode(body) if encoding not in (None, "utf-8") else body


def _drop(reason: str) -> None:
    metrics.MESSAGES_DROPPED.labels(reason).inc()
    logger.error("message.dropped reason=%s", reason)
