"""Waking workers after a commit. A wake-up may be lost: the sweep finds what it missed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from celery import Celery
from celery.app import app_or_default
from django.conf import settings
from django.db import transaction

from models_registry.models import Action
from models_registry.observability import metrics
from models_registry.queue.circuit_breaker import CircuitBreaker
from models_registry.queue.publisher import Publisher

logger = logging.getLogger(__name__)

# By name, so that whoever asks for work need not import what does it.
DISPATCH_EVENTS = "models_registry.tasks.dispatch_events"
DISPATCH_WAITING_CALLS = "models_registry.tasks.dispatch_waiting_calls"

# Of all wake-ups; what beat sends has none, which is before them. So a sweep waits for no backlog:
# it is what ends jobs at their deadlines, and finds those whose worker died. (Redis has a list for
# each, and workers look into them in their order.)
PRIORITY = 6
# How many jobs one message names: events are called in batches; an answer that is waited for
# takes a worker of its own.
JOBS_NAMED = {DISPATCH_EVENTS: 20, DISPATCH_WAITING_CALLS: 1}
# However many jobs one event makes, this many messages wake the workers for them: whoever has
# done what its message names goes on with whatever else is due.
MESSAGES_AT_MOST = 20
# After this many failures in a row, nothing is published for a while: a broker that is away
# must not cost every request its time-out.
FAILURES_BEFORE_PAUSE = 3
PAUSE_SECONDS = 10.0


breaker = CircuitBreaker(failures=FAILURES_BEFORE_PAUSE, pause_seconds=PAUSE_SECONDS)


def wake_workers(job_type: str, job_ids: Sequence[UUID]) -> None:
    """Ask the workers to dispatch these jobs once the present transaction is committed.

    Of very many only the first are named: those of one event, whichever others come meanwhile.
    """
    first = job_ids[: _named_at_most(job_type)]

    def send() -> None:
        publish_wakeups(job_type, first)

    transaction.on_commit(send, robust=True)


def publish_wakeups(job_type: str, job_ids: Sequence[UUID]) -> None:
    """Have messages for these jobs published soon; must be outside a transaction. Never raises.

    Of very many only the first are named. Nobody waits for the broker: a thread of this process
    publishes what all others hand to it.
    """
    publisher.hand_over(_task_of(job_type), job_ids[: _named_at_most(job_type)])


def publish_ids(task: str, ids: Sequence[UUID]) -> bool:
    """Publish messages to a task for these ids, all at once. Never raises; says if they went.

    The tasks that dispatch take a list of ids, others a single one.
    """
    texts = [str(each) for each in ids]
    size = JOBS_NAMED.get(task)
    if size is None:
        return _publish(task, [(text,) for text in texts])
    starts = range(0, len(texts), size)
    return _publish(task, [(texts[start : start + size],) for start in starts])


def publish(task: str, *args: Any) -> bool:
    """Send one message to the task of this name, unless the broker has been failing.

    Waits for the broker, so no request may ask for it: it is for a worker that hands on what is
    left, and whose own message is acknowledged once this returns. Never raises; says if it went.
    """
    return _publish(task, [args])


def _publish(task: str, messages: Sequence[tuple[Any, ...]]) -> bool:
    """Send a message for each tuple of a task's arguments."""
    if not breaker.allows():
        metrics.HINTS_NOT_SENT.inc(len(messages))
        return False
    try:
        _send(task, messages)
    except Exception as error:  # whatever the broker's client raises: the row is the truth
        breaker.record(success=False)
        metrics.HINTS_NOT_SENT.inc(len(messages))
        logger.warning("hint.not_sent task=%s: %s", task, type(error).__name__)
        return False
    breaker.record(success=True)
    return True


def _send(task: str, messages: Sequence[tuple[Any, ...]]) -> None:
    """Put messages straight into a task's queue, in one round trip where the broker can do that.

    `apply_async` would ask the broker for the exchange's bindings each time, although every queue
    has its own name for a routing key, and look for options that no hint has.
    """
    app, named = app_or_default(), {"argsrepr": "", "kwargsrepr": ""}
    queue = _queue_of(app, task)
    with app.producer_or_acquire() as producer, producer.batch():
        for args in messages:
            message = app.amqp.create_task_message(str(uuid4()), task, args, {}, **named)
            producer.publish(
                message.body,
                exchange="",
                routing_key=queue,
                serializer="json",
                headers=message.headers,
                priority=PRIORITY,
                retry=False,
                **message.properties,
            )


@cache
def _queue_of(app: Celery[Any], task_name: str) -> str:
    return str(app.amqp.router.route({}, task_name)["queue"].name)


publisher = Publisher(publish_ids)


def _task_of(job_type: str) -> str:
    return DISPATCH_WAITING_CALLS if is_synchronous(job_type) else DISPATCH_EVENTS


def _named_at_most(job_type: str) -> int:
    return MESSAGES_AT_MOST * JOBS_NAMED[_task_of(job_type)]


def is_synchronous(job_type: str) -> bool:
    """Say whether the answer of such jobs comes back with the call, not by a callback."""
    return bool(settings.LAMBDA_INVOCATION_TYPES[job_type] == "RequestResponse")


def job_types(*, synchronous: bool) -> list[str]:
    """Return the types of jobs whose answer is waited for, or those whose isn't."""
    return [action for action in Action.values if is_synchronous(action) == synchronous]
