"""Wake-ups are published by a thread of their own: nobody waits for the broker (F2)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from celery.signals import worker_process_shutdown

from config.celery import app
from models_registry.observability import metrics
from models_registry.queue import publisher, wakeups
from models_registry.queue.publisher import Publisher
from subscriptions import wakeups as subscription_wakeups
from tests.factories import change_model
from tests.waiting import eventually


class Broker:
    """Keeps what is published; holds each publishing up until it is let go."""

    def __init__(self) -> None:
        self.published: list[tuple[str, list[UUID]]] = []
        self.is_free = threading.Event()
        self.is_asked = threading.Event()

    def publish(self, task: str, ids: list[UUID]) -> None:
        self.is_asked.set()
        assert self.is_free.wait(10)
        self.published.append((task, list(ids)))


@pytest.fixture
def broker():
    broker = Broker()
    yield broker
    broker.is_free.set()


@pytest.fixture
def not_sent() -> Callable[[], float]:
    """How many wake-ups have been dropped since the test began."""

    def count() -> float:
        return next(iter(metrics.HINTS_NOT_SENT.collect())).samples[0].value

    before = count()
    return lambda: count() - before


def test_nobody_waits_for_a_broker_that_does_not_answer(broker):
    begun = time.monotonic()
    Publisher(broker.publish).hand_over("training", [uuid4()])

    assert time.monotonic() - begun < 1
    assert broker.is_asked.wait(10)
    assert broker.published == []


def test_what_is_handed_over_meanwhile_goes_together_in_its_order(broker):
    publisher = Publisher(broker.publish)
    first, second, third, fourth = (uuid4() for _ in range(4))
    publisher.hand_over("training", [first])
    assert broker.is_asked.wait(10)
    for job_type, job_id in (("training", second), ("inference", third), ("training", fourth)):
        publisher.hand_over(job_type, [job_id])
    broker.is_free.set()

    assert publisher.flush(10)
    assert broker.published == [
        ("training", [first]),
        ("training", [second, fourth]),
        ("inference", [third]),
    ]


def test_a_flush_that_takes_too_long_says_so(broker):
    publisher = Publisher(broker.publish)
    publisher.hand_over("training", [uuid4()])

    assert not publisher.flush(0.05)


def test_with_too_many_ids_waiting_the_rest_is_left_to_the_sweep_and_counted(
    broker, monkeypatch, not_sent
):
    monkeypatch.setattr(publisher, "WAITING_AT_MOST", 5)
    crowded = Publisher(broker.publish)
    crowded.hand_over("training", [uuid4()])
    assert broker.is_asked.wait(10)
    for _ in range(3):
        crowded.hand_over("training", [uuid4(), uuid4()])
    broker.is_free.set()

    # The mark that a flush waits for comes behind the five that there was room for.
    assert crowded.flush(10)
    assert [len(ids) for _, ids in broker.published] == [1, 5]
    assert not_sent() == 1
    crowded.hand_over("training", [uuid4()])
    assert crowded.flush(10)
    assert [len(ids) for _, ids in broker.published] == [1, 5, 1]


def test_what_waits_is_published_in_portions(broker, monkeypatch):
    monkeypatch.setattr(publisher, "AT_ONCE", 4)
    busy = Publisher(broker.publish)
    busy.hand_over("training", [uuid4()])
    assert broker.is_asked.wait(10)
    ids = [uuid4() for _ in range(10)]
    for start in range(0, 10, 2):
        busy.hand_over("training", ids[start : start + 2])
    broker.is_free.set()

    assert busy.flush(10)
    assert [published for _, published in broker.published[1:]] == [ids[:4], ids[4:8], ids[8:]]


def test_a_thread_that_can_not_be_had_is_begun_by_whoever_comes_next(broker, monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    broker.is_free.set()
    poor = Publisher(broker.publish)
    first, second = uuid4(), uuid4()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        poor.hand_over("training", [first])
        assert not poor.flush(10)
    poor.hand_over("training", [second])

    assert poor.flush(10)
    assert broker.published == [("training", [first, second])]


def _publishing_all_but_poison(broker: Broker, failure: type[BaseException]) -> Publisher:
    def publish(task: str, ids: list[UUID]) -> None:
        if task == "poison":
            raise failure
        broker.publish(task, ids)

    broker.is_free.set()
    return Publisher(publish)


def test_whatever_goes_wrong_for_one_task_others_are_published_and_nobody_waits_for_it(broker):
    hurt = _publishing_all_but_poison(broker, RuntimeError)
    for task in ("training", "poison", "inference"):
        hurt.hand_over(task, [uuid4()])

    assert hurt.flush(10)
    assert [task for task, _ in broker.published] == ["training", "inference"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_ended_is_replaced(broker):
    hurt = _publishing_all_but_poison(broker, SystemExit)
    hurt.hand_over("poison", [uuid4()])
    eventually(lambda: not hurt._has_thread())
    hurt.hand_over("training", [uuid4()])

    assert hurt.flush(10)
    assert [task for task, _ in broker.published] == ["training"]


def test_a_failure_to_publish_is_logged_with_its_task(broker, caplog):
    def publish(task: str, ids: list[UUID]) -> None:
        raise RuntimeError

    hurt = Publisher(publish)
    hurt.hand_over("training", [uuid4()])

    assert hurt.flush(10)
    assert "publisher.not_published wakeup=training" in caplog.text


# Python 3.12 and newer warn of forking where threads run; Celery does just that.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_thread_of_its_own(broker):
    """Celery's workers are forked from a process that may have published."""
    broker.is_free.set()
    publisher = Publisher(broker.publish)
    publisher.hand_over("training", [uuid4()])
    assert publisher.flush(10)

    child = os.fork()
    if child == 0:
        publisher.hand_over("training", [uuid4()])
        went = publisher.flush(10) and len(broker.published) == 2
        os._exit(0 if went else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_worker_s_child_publishes_its_last_wakeups_before_it_ends(broker, monkeypatch):
    """Celery ends it by os._exit, which asks nobody."""
    monkeypatch.setattr(wakeups, "publisher", Publisher(broker.publish))
    wakeups.publish_wakeups([uuid4()], synchronous=False)
    assert broker.is_asked.wait(10)
    broker.is_free.set()
    worker_process_shutdown.send(sender=None, pid=0, exitcode=0)

    assert len(broker.published) == 1


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, list]]:
    """What is sent to the broker: tasks by their last names, and the arguments of each message."""
    found: list[tuple[str, list]] = []
    monkeypatch.setattr(
        wakeups, "_send", lambda task, messages: found.append((task.rpartition(".")[2], messages))
    )
    return found


def test_the_messages_of_many_jobs_are_bounded(sent):
    """Whoever has done what its message names goes on with whatever else is due."""
    ids = [uuid4() for _ in range(1000)]
    for synchronous in (False, True):
        wakeups.publish_wakeups(ids, synchronous=synchronous)
        assert wakeups.publisher.flush(10)

    assert [(task, len(messages)) for task, messages in sent] == [
        ("dispatch_events", 20),
        ("dispatch_waiting_calls", 20),
    ]
    assert sent[0][1][0] == ([str(each) for each in ids[:20]],)
    assert sent[1][1][0] == ([str(ids[0])],)


def test_the_jobs_of_one_event_take_no_message_from_those_of_others(broker, sent, monkeypatch):
    """However busy the process: each has a message that names it."""

    def publish(wakeup: wakeups.WakeUp, ids: list[UUID]) -> None:
        broker.publish(wakeup.task, ids)
        wakeups.publish_ids(wakeup, ids)

    monkeypatch.setattr(wakeups, "publisher", Publisher(publish))
    events = [[uuid4() for _ in range(size)] for size in (1, 1000, 30, 1)]
    for job_ids in events:
        wakeups.publish_wakeups(job_ids, synchronous=True)
        assert broker.is_asked.wait(10)
    broker.is_free.set()
    assert wakeups.publisher.flush(10)

    named = {job_id for _, messages in sent for (batch,) in messages for job_id in batch}
    assert [sum(str(each) in named for each in job_ids) for job_ids in events] == [1, 20, 20, 1]


@pytest.mark.django_db
def test_no_update_waits_for_the_broker(
    broker, active_model, monkeypatch, django_capture_on_commit_callbacks
):
    """F2: not for the message of its training, nor for those of what it sets off besides."""
    monkeypatch.setattr(wakeups, "_send", broker.publish)
    with django_capture_on_commit_callbacks(execute=True):
        change_model(handler_contracts=None)
    assert broker.is_asked.wait(10)
    assert broker.published == []
    broker.is_free.set()

    assert wakeups.publisher.flush(10)
    assert {task for task, _ in broker.published} == {
        *(wakeups.DISPATCH_EVENTS.task, subscription_wakeups.REVALIDATE.task),
        subscription_wakeups.FILL_IN_REPORT.task,
    }


@pytest.mark.django_db
def test_the_message_of_a_run_or_a_report_names_it_alone(sent):
    run_id, report_id = uuid4(), uuid4()
    subscription_wakeups.publish_run_wakeup(run_id)
    subscription_wakeups.publish_report_wakeup(report_id)

    assert wakeups.publisher.flush(10)
    assert sorted(sent) == [
        ("fill_in_report", [(str(report_id),)]),
        ("revalidate", [(str(run_id),)]),
    ]


def test_wakeups_name_tasks_that_there_are():
    all_wakeups = (
        *wakeups.DISPATCH.values(),
        *(subscription_wakeups.REVALIDATE, subscription_wakeups.FILL_IN_REPORT),
    )
    names = {each.task for each in all_wakeups}
    app.loader.import_default_modules()  # as a worker does
    assert names <= set(app.tasks)


def test_no_wakeup_is_meant_for_an_unknown_kind_of_call():
    """A third kind of call gets workers of its own, and none by default."""
    with pytest.raises(KeyError):
        wakeups.publish_wakeups([uuid4()], synchronous="streamed")  # type: ignore[arg-type]
    assert set(wakeups.DISPATCH) == {False, True}
