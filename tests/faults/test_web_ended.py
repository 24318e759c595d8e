"""A web server killed after a commit, and one asked to stop with a request under way (F1, F20)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from models_registry.models import Job, Model, ModelVersion
from tests import examples
from tests.faults.outages import ask, children, free_port, web, web_process
from tests.faults.processes import environment, wait_for, worker
from tests.faults.soak.breaking import STOPS_WITHIN_SECONDS, Web

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PATH = "/v2/models/model_price_reco_v1"
KEY = {"Idempotency-Key": "the-one"}
# A web server that dies with its first request committed and nobody told.
DIES_BEFORE_THE_HINT = """
import os, signal, sys
from wsgiref.simple_server import make_server
from config.wsgi import application
from models_registry.queue import wakeups
wakeups.publish_wakeups = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
"""


@contextmanager
def _doomed_web() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", DIES_BEFORE_THE_HINT, str(port)],
        env=environment(),
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with suppress(OSError, HTTPException):
            return ask(port, "GET", "/v2/health")[0] == 200
        return False

    try:
        wait_for(answers)
        yield port, process
    finally:
        process.kill()
        process.wait(10)


def test_an_update_whose_web_server_died_before_the_hint_is_there_once_and_trained_once(
    active_model, faulty, tmp_path
):
    """F1, F12, I4: the caller, who heard nothing, repeats and is told of what was made."""
    with _doomed_web() as (port, process):
        with pytest.raises((OSError, HTTPException)):
            ask(port, "PUT", PATH, examples.update_model(), **KEY)
        assert process.wait(10) == -signal.SIGKILL
    job = Job.objects.get()

    with web(tmp_path) as port:
        status, answer = ask(port, "PUT", PATH, examples.update_model(), **KEY)
    assert (status, answer["version"]["version"]) == (200, "2")
    with worker(tmp_path):
        wait_for(lambda: Job.objects.filter(dispatch="dispatched").exists())

    assert faulty.calls_by_job == {str(job.pk): 1}
    assert list(ModelVersion.objects.order_by("number").values_list("version", flat=True)) == [
        "1",
        "2",
    ]


def _somebody_waits_for_me() -> bool:
    """Whether another session waits for a lock that this one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone() is not None


def test_a_web_server_that_is_asked_to_stop_answers_what_it_has_begun(
    active_model, faulty, tmp_path: Path
):
    """F20: no request that was taken is cut off, and the process ends in the stated time."""
    server = Web(tmp_path, free_port())
    answers: list[Any] = []

    def update() -> None:
        answers.append(ask(server.port, "PUT", PATH, examples.update_model()))

    caller, stopper = threading.Thread(target=update), threading.Thread(target=server.stop)
    try:
        with transaction.atomic():
            Model.objects.select_for_update().get(pk=active_model.pk)
            caller.start()
            wait_for(_somebody_waits_for_me)
            stopper.start()
            stopper.join(1)
            assert stopper.is_alive()  # it waits for the one that it has begun
        stopper.join(STOPS_WITHIN_SECONDS)
        assert not stopper.is_alive()
    finally:
        server.kill()
    caller.join(10)
    assert [(status, answer["version"]["version"]) for status, answer in answers] == [(200, "2")]
    assert Job.objects.count() == 1


def test_a_killed_process_of_the_web_server_is_replaced_and_the_others_go_on(model, tmp_path):
    """F1: one killed child of the documented command line takes nothing else with it."""
    with web_process(tmp_path) as (port, main):
        workers = set(children(main))
        os.kill(max(workers), signal.SIGKILL)
        wait_for(lambda: len(set(children(main)) - workers) >= 1)
        assert [ask(port, "GET", PATH)[0] for _ in range(20)] == [200] * 20
