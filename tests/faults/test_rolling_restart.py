"""A new release rolled out under load: processes are asked to stop, one after the other (F20)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from models_registry.models import Job
from tests.faults.effects import assert_each_effect_is_there_once
from tests.faults.lengths import lasting
from tests.faults.outages import (
    NO_ANSWER,
    Load,
    ask,
    free_port,
)
from tests.faults.processes import Worker, wait_for
from tests.faults.soak.breaking import STOPS_WITHIN_SECONDS, Web

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PATH = "/v2/models/model_price_reco_v1/versions/1/inference"
WEBS, WORKERS = 2, 3
# Of each kind, by turns; by the time that it is a worker's turn again, its stop is over.
RESTARTS, EVERY_SECONDS = lasting(12, 6), lasting(5, 4)
CALL_SECONDS = 0.1


class Balanced(Load):
    """Callers behind a balancer: a server that takes no connection is passed over."""

    def __init__(self, ports: list[int], path: str) -> None:
        super().__init__(ports[0], path)
        self.cut: list[str] = []
        self._ports = ports

    def _ask_once(self, key: str) -> tuple[int, Any]:
        body, named = {"input": {"n": key}}, {"Idempotency-Key": key}
        for port in self._ports:
            try:
                return ask(port, "POST", self._path, body, **named)
            except ConnectionRefusedError:
                continue
            except (OSError, HTTPException):
                self.cut.append(key)
                return NO_ANSWER, None
        return NO_ANSWER, None


class Deployment:
    """Web servers and workers, started and stopped as `config/deploy/` has it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.webs = [Web(folder, free_port()) for _ in range(WEBS)]
        self._workers = [self._worker() for _ in range(WORKERS)]

    def restart_all_in_turn(self) -> None:
        """Restart a web server and a worker every few seconds; raise for one that does not end."""
        # On a slow machine each waits: a web server for the other, a worker for itself.
        web_turns, *turns = [ThreadPoolExecutor(1) for _ in range(1 + WORKERS)]
        restarts = []
        for number in range(RESTARTS):
            place = number % WORKERS
            restarts.append(web_turns.submit(self._restart_web, number % WEBS))
            restarts.append(turns[place].submit(self._restart_worker, place))
            time.sleep(EVERY_SECONDS)
        for restart in restarts:
            restart.result()

    def kill(self) -> None:
        for process in (*self.webs, *self._workers):
            process.kill()

    def _restart_web(self, place: int) -> None:
        self.webs[place].stop()
        self.webs[place].start()

    def _restart_worker(self, place: int) -> None:
        # Celery ends with 1 where it had something to wait for, and by the signal itself where it
        # was still starting.
        status = self._workers[place].stop(within_seconds=STOPS_WITHIN_SECONDS)
        assert status in (0, 1, -signal.SIGTERM)
        self._workers[place] = self._worker()

    def _worker(self) -> Worker:
        # No claim may lapse: nobody dies here.
        return Worker(self._folder, REMAP_SIGTERM="SIGQUIT", DISPATCH_LEASE_SECONDS="10")


@pytest.fixture
def deployment(active_model, faulty, tmp_path) -> Iterator[Deployment]:
    running = Deployment(tmp_path)
    yield running
    running.kill()


def test_a_rolling_restart_under_load_cuts_nobody_off_and_doubles_nothing(deployment, faulty):
    """F20: "no connection reset on accepted requests, each exits in 30 s without KILL"."""
    faulty.mode, faulty.hang_seconds = "late", CALL_SECONDS
    with Balanced([web.port for web in deployment.webs], PATH) as load:
        wait_for(lambda: Job.objects.filter(status="success").exists())
        deployment.restart_all_in_turn()
    assert_each_effect_is_there_once(load)
    assert load.cut == []
    assert set(load.statuses) == {202}
    # No crash, so none twice.
    assert set(faulty.calls_by_job.values()) == {1}
