"""The ways in which a soak run breaks things: one after the other, each put right again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import redis

from tests.faults.outages import OwnPostgres, OwnRedis, ask
from tests.faults.processes import Worker, environment, wait_for
from tests.faulty_lambda import FaultyLambda

STOPS_WITHIN_SECONDS = 30
# What may end with the outcome of calls under way lost: so they are made again. A worker's stop is
# none: it waits for them; nor is a database that goes: they are recorded when it is back.
INTERRUPTIONS = {"worker_killed"}
LAMBDA_MODES: dict[str, object] = {
    "lambda_throttles": (429, "TooManyRequestsException", b'{"Message": "Rate Exceeded."}'),
    "lambda_fails": (500, "ServiceException", b'{"Message": "Sorry."}'),
    "lambda_answers_half": "half",
    "lambda_says_nothing": "hang",
    "lambda_cuts": "reset",
}


class Interruption(NamedTuple):
    """When a call's outcome may have been lost (monotonic seconds)."""

    began_at: float
    ended_at: float


class Web:
    """A web server as in production, always on the same port, that can be killed."""

    def __init__(self, folder: Path, port: int, **changed: str) -> None:
        self.port, self._changed = port, changed
        self._log = folder / "web.log"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
        command += ["--port", str(self.port), "--blocking-threads", "8", "--log-level", "error"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--workers-kill-timeout", "20", "config.wsgi:application"],
                env=environment(**self._changed),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(self._answers)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(STOPS_WITHIN_SECONDS)

    def _answers(self) -> bool:
        with suppress(OSError, HTTPException):
            return ask(self.port, "GET", "/v2/health")[0] == 200
        return False


class Breaking:
    """Breaks something at random, puts it right, and counts what it did by its name."""

    def __init__(
        self,
        folder: Path,
        *,
        web: Web,
        workers: int,
        postgres: OwnPostgres,
        redis: OwnRedis,
        fake: FaultyLambda,
        chance: random.Random,
        worker_environment: dict[str, str],
    ) -> None:
        self.done: Counter[str] = Counter()
        self.begun_at = time.monotonic()
        self.interruptions: list[Interruption] = []
        self._folder, self._environment = folder, worker_environment
        self._web, self._postgres, self._redis, self._fake = web, postgres, redis, fake
        self._chance = chance
        self._next: list[str] = []
        self._workers = [self._new_worker() for _ in range(workers)]
        self._ways: dict[str, Callable[[], None]] = {
            "worker_killed": self._kill_a_worker,
            "worker_stopped": self._stop_a_worker,
            "web_killed": self._kill_web,
            "web_stopped": self._stop_web,
            "redis_away": self._take_redis_away,
            "redis_emptied": self._empty_redis,
            "postgres_restarted": lambda: self._restart_postgres(power_cut=False),
            "postgres_crashed": lambda: self._restart_postgres(power_cut=True),
            "connections_cut": postgres.cut_connections,
            **{name: self._spoil_lambda(mode) for name, mode in LAMBDA_MODES.items()},
        }

    def everything_was_broken(self) -> bool:
        """Whether each way was taken at least once."""
        return set(self.done) == set(self._ways)

    def break_something(self) -> None:
        if not self._next:
            # Rounds of all ways, each in an order of its own: no run leaves one out.
            self._next = self._chance.sample(list(self._ways), len(self._ways))
        name = self._next.pop()
        begun = time.monotonic()
        print(f"  {begun - self.begun_at:.1f} s: {name}", flush=True)
        self._ways[name]()
        self.done[name] += 1
        if name in INTERRUPTIONS:
            self.interruptions.append(Interruption(begun, time.monotonic()))
        self._wait(0.5, 3)

    def end(self) -> None:
        for worker in self._workers:
            worker.kill()

    def tell_of_workers(self) -> None:
        """Print what each worker's processes are, and the end of what it wrote."""
        for worker in self._workers:
            shown = ["ps", "-o", "pid,ppid,stat,wchan:20,etime,time,args", "-g"]
            # A group is named by the first process of its session.
            subprocess.run([*shown, str(worker.process.pid)], check=False)
            print(worker.log.read_text(errors="replace")[-3000:], flush=True)

    def _new_worker(self) -> Worker:
        return Worker(self._folder, **self._environment)

    def _kill_a_worker(self) -> None:
        place = self._chance.randrange(len(self._workers))
        self._workers[place].kill()
        self._wait(0, 2)
        self._workers[place] = self._new_worker()

    def _stop_a_worker(self) -> None:
        place = self._chance.randrange(len(self._workers))
        begun = time.monotonic()
        self._workers[place].stop()
        assert time.monotonic() - begun < STOPS_WITHIN_SECONDS
        self._workers[place] = self._new_worker()

    def _kill_web(self) -> None:
        self._web.kill()
        self._wait(0, 1)
        self._web.start()

    def _stop_web(self) -> None:
        self._web.stop()
        self._web.start()

    def _take_redis_away(self) -> None:
        self._redis.stop()
        self._wait(1, 8)
        self._redis.start()

    def _empty_redis(self) -> None:
        with redis.Redis.from_url(self._redis.url) as client:
            client.flushall()

    def _restart_postgres(self, *, power_cut: bool) -> None:
        self._postgres.stop(as_by_a_power_cut=power_cut)
        self._wait(0, 2)
        self._postgres.start()

    def _spoil_lambda(self, mode: object) -> Callable[[], None]:
        def spoil() -> None:
            self._fake.mode = mode
            self._wait(1, 4)
            self._fake.mode = "ok"

        return spoil

    def _wait(self, least: float, most: float) -> None:
        time.sleep(self._chance.uniform(least, most))
