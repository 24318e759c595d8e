"""Wake-ups: messages to workers after a commit. One may be lost: the sweep finds its row."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from celery.app import app_or_default
from django.db import transaction

from models_registry.observability import metrics
from models_registry.queue.circuit_breaker import CircuitBreaker
from models_registry.queue.publisher import Publisher

logger = logging.getLogger(__name__)


class WakeUp(NamedTuple):
    """A task that wakes a worker, and how many ids one message names.

    None: the task's only argument is one id, else a list of ids. The task is given by its name, so
    that a service that asks for work need not import what does it.
    """

    task: str
    ids_per_message: int | None = None


# Calls that are answered by a callback are short and made in batches; a synchronous call takes a
# worker of its own.
DISPATCH_EVENTS = WakeUp("models_registry.tasks.dispatch_events", 20)
DISPATCH_WAITING_CALLS = WakeUp("models_registry.tasks.dispatch_waiting_calls", 1)
# By whether the call is synchronous.
DISPATCH = {False: DISPATCH_EVENTS, True: DISPATCH_WAITING_CALLS}

# Of all wake-ups; messages of beat have none, which comes first. A sweep must not wait behind a
# backlog: it ends jobs at their deadlines and finds those whose worker died. (Redis has a list for
# each priority, and workers look into the lists in their order.)
PRIORITY = 6
# However many jobs one event makes, this many messages wake the workers for them: a worker that has
# done what its message names continues with whatever else is due.
MESSAGES_AT_MOST = 20
# After this many failures in a row, nothing is published for a while: a broker that is away
# must not cost every request its time-out.
FAILURES_BEFORE_PAUSE = 3
PAUSE_SECONDS = 10.0


breaker = CircuitBreaker(failures=FAILURES_BEFORE_PAUSE, pause_seconds=PAUSE_SECONDS)


def wake_workers(job_ids: Sequence[UUID], *, synchronous: bool) -> None:
    """Wake workers for these jobs once the present transaction is committed.

    Messages name only the first jobs of very many; whatever other events come meanwhile, each has
    messages of its own.
    """
    first = _named(DISPATCH[synchronous], job_ids)

    def send() -> None:
        publish_wakeups(first, synchronous=synchronous)

    transaction.on_commit(send, robust=True)


def publish_wakeups(job_ids: Sequence[UUID], *, synchronous: bool) -> None:
    """Have messages for these jobs published soon; must be outside a transaction. Never raises.

    Messages name only the first jobs of very many. Nobody waits for the broker: the publisher
    thread of this process publishes them.
    """
    wakeup = DISPATCH[synchronous]
    publisher.hand_over(wakeup, _named(wakeup, job_ids))


def publish_ids(wakeup: WakeUp, ids: Sequence[UUID]) -> bool:
    """Publish messages for these ids, all at once. Never raises; returns whether they went."""
    texts, size = [str(each) for each in ids], wakeup.ids_per_message
    if size is None:
        return _publish(wakeup.task, [(text,) for text in texts])
    starts = range(0, len(texts), size)
    return _publish(wakeup.task, [(texts[start : start + size],) for start in starts])


def publish(task: str, *args: Any) -> bool:
    """Publish one message to the task of this name, unless the broker has been failing.

    Waits for the broker, so no request may call it: it is for a worker that hands on what is left,
    and whose own message is acknowledged once this returns. Never raises; returns whether it went.
    """
    return _publish(task, [args])


def _publish(task: str, messages: Sequence[tuple[Any, ...]]) -> bool:
    """Publish a message for each tuple of a task's arguments."""
    if not breaker.allow():
        metrics.HINTS_NOT_SENT.inc(len(messages))
        return False
    try:
        _send(task, messages)
    except Exception as error:  # whatever the broker's client raises: the row is the truth
        breaker.record(success=False)
        metrics.HINTS_NOT_SENT.inc(len(messages))
        logger.warning("wakeup.not_sent task=%s: %s", task, type(error).__name__)
        return False
    breaker.record(success=True)
    return True


def _send(task: str, messages: Sequence[tuple[Any, ...]]) -> None:
    """Send messages in one round trip where the broker supports that.

    Nothing reads what Celery would put into a message as the text of its arguments, and each
    message goes straight to a queue by its name, so that there is nothing to declare: without
    these two options it is half as fast.
    """
    app = app_or_default()
    with app.producer_or_acquire() as producer, producer.batch():
        for args in messages:
            app.send_task(
                task,
                args,
                producer=producer,
                priority=PRIORITY,
                retry=False,
                ignore_result=True,
                argsrepr="",
                kwargsrepr="",
                declare=[],
            )


publisher = Publisher(publish_ids)


def _named(wakeup: WakeUp, job_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Return the jobs that messages may name."""
    return job_ids[: MESSAGES_AT_MOST * (wakeup.ids_per_message or 1)]
