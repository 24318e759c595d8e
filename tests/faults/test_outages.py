"""Redis taken away under load, connections cut, a deadlock: each effect is there once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from kombu import Connection, Queue

from config.redis_transport import Transport
from models_registry.db.transactions import transactional
from models_registry.models import Job, Model
from tests import factories
from tests.at_once import at_once
from tests.factories import ask_inference
from tests.faults.effects import assert_each_effect_is_there_once
from tests.faults.outages import Load, OwnRedis, web
from tests.faults.processes import wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PATH = "/v2/models/model_price_reco_v1/versions/1/inference"
# Of a worker, and how long each of its calls takes.
CHILDREN, BUSY_SECONDS = 2, 2.0
REDIS_IS_AWAY_SECONDS = 60


@pytest.fixture
def own_redis(tmp_path):
    server = OwnRedis(tmp_path)
    yield server
    server.stop()


def _cut_connections() -> int:
    """End every other connection to the test's own database; return how many there were.

    Each is waited for: the server ends one some time after it was told to.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), bool_and(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        count, all_have_ended = cursor.fetchone()
    assert all_have_ended
    return int(count)


def test_redis_stopped_under_load_emptied_and_back_costs_no_request(
    active_model, faulty, own_redis, tmp_path
):
    """F2, F5: nothing is refused meanwhile, and nothing is called twice afterwards."""
    broker = {"REDIS_URL": own_redis.url}
    with web(tmp_path, **broker) as port, worker(tmp_path, **broker):
        with Load(port, PATH) as load:
            wait_for(lambda: Job.objects.filter(status="success").exists())
            own_redis.stop()
            time.sleep(REDIS_IS_AWAY_SECONDS)
            own_redis.start()
            time.sleep(1)
        assert_each_effect_is_there_once(load)
    assert len(load.statuses) == 1  # and that one is a success
    assert set(faulty.calls_by_job.values()) == {1}


def test_redis_that_goes_when_every_child_of_a_worker_is_about_to_end_is_found_again(
    active_model, faulty, own_redis, tmp_path
):
    """F2: acknowledgements that are lost leave the worker as free as before."""
    faulty.mode, faulty.hang_seconds = "late", BUSY_SECONDS
    quick = {"REDIS_URL": own_redis.url, "LAMBDA_SYNC_READ_TIMEOUT_SECONDS": "30"}
    with worker(tmp_path, **quick):
        # It may hear of the loss otherwise before it acknowledges, so not every time shows it.
        for time_before in range(3):
            done = time_before * CHILDREN
            for _ in range(CHILDREN):
                ask_inference(active_model.pk)
            wait_for(lambda done=done: len(faulty.calls) == done + CHILDREN)
            time.sleep(BUSY_SECONDS - 0.3)
            own_redis.stop()
            wait_for(lambda done=done: _successes() == done + CHILDREN)
            time.sleep(0.5)
            own_redis.start()
        ask_inference(active_model.pk)
        wait_for(lambda: _successes() == done + CHILDREN + 1)


@pytest.mark.parametrize("settle", ["ack", "reject"])
def test_a_message_that_redis_could_not_be_told_of_makes_room_all_the_same(own_redis, settle):
    with Connection(own_redis.url, transport=Transport) as broker:
        queue = Queue("one")(broker.channel())
        queue.channel.basic_qos(0, prefetch_count=1, apply_global=False)
        queue.declare()
        broker.Producer().publish({}, routing_key="one")
        message = queue.get()
        assert not queue.channel.qos.can_consume()
        own_redis.stop()
        with pytest.raises(broker.connection_errors):
            getattr(message, settle)()
        assert queue.channel.qos.can_consume()


def _successes() -> int:
    return Job.objects.filter(status="success").count()


def test_connections_that_were_cut_while_idle_are_replaced_and_not_offered_again(model):
    """F12: the pool gives new ones at once, in every thread."""

    def count() -> int:
        return Model.objects.count()

    assert at_once(count, count, count) == [1, 1, 1]
    assert _cut_connections() >= 1
    assert at_once(count, count, count) == [1, 1, 1]


def test_of_two_transactions_in_a_deadlock_both_are_done_once(db):
    """F13: PostgreSQL gives one of them up, and that one is run again from its beginning."""
    factories.make_model("a")
    factories.make_model("b")
    both_hold_one = threading.Barrier(2)
    begun: list[str] = []

    @transactional
    def lock(first: str, second: str) -> None:
        begun.append(first)
        _add_to_name(first)
        if len(begun) <= 2:
            both_hold_one.wait(timeout=10)
        _add_to_name(second)

    assert at_once(lambda: lock("a", "b"), lambda: lock("b", "a")) == [None, None]
    assert len(begun) == 3
    assert all(name.endswith("++") for name in Model.objects.values_list("name", flat=True))


def _add_to_name(model_id: str) -> None:
    model = Model.objects.select_for_update().get(pk=model_id)
    Model.objects.filter(pk=model_id).update(name=f"{model.name}+")
