"""What goes on while things break: callers who repeat until they are answered, and a handler."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests import examples
from tests.faults.outages import NO_ANSWER, ask
from tests.faulty_lambda import FaultyLambda

CALLERS = 4
PAUSE_SECONDS = 0.1
SOURCE, UPDATED, TARGET = "source", "updated", "target"
# By what of its answers a call has reached the function: it may have run.
REACHED = {"ok", "half", "hang", "reset"}
# One training in so many is reported as a failure, twice, or not at all.
ONE_IN = 10


class Callers:
    """Ask for inferences and updates, each until it is accepted, with one key."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.statuses: Counter[int] = Counter()
        self.inferences: list[str] = []
        self.versions: list[str] = []
        self._port = port
        self._crew = _Crew(CALLERS, chance, self._ask_for_one)

    def __enter__(self) -> Callers:
        self._crew.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.end()

    def _ask_for_one(self, chance: random.Random) -> None:
        if chance.random() < 0.75:
            body: dict[str, Any] = {"input": {"features": [chance.random()]}}
            answer = self._repeat("POST", f"/v2/models/{SOURCE}/versions/1/inference", body)
            self.inferences.append(answer["inference_job_id"])
        else:
            answer = self._repeat("PUT", f"/v2/models/{UPDATED}", examples.update_model())
            self.versions.append(answer["version"]["version"])
        time.sleep(PAUSE_SECONDS)

    def _repeat(self, method: str, path: str, body: Any) -> Any:
        key, ends_at = str(uuid4()), time.monotonic() + 120
        while time.monotonic() < ends_at:
            try:
                status, answer = ask(self._port, method, path, body, **{"Idempotency-Key": key})
            except (OSError, HTTPException):
                status, answer = NO_ANSWER, None
            self.statuses[status] += 1
            if 200 <= status < 300:
                return answer
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} was never accepted: {self.statuses}")


class TrainingHandler:
    """Reports each training that reached it: mostly once and well, else as it happens."""

    def __init__(self, fake: FaultyLambda, chance: random.Random) -> None:
        self.contradicted = 0
        self._fake, self._next, self._lock = fake, 0, threading.Lock()
        self._crew = _Crew(2, chance, self._report_one)

    def __enter__(self) -> TrainingHandler:
        self._crew.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.end()

    def _report_one(self, chance: random.Random) -> None:
        call = self._take()
        if call is None:
            time.sleep(0.02)
            return
        fate = chance.randrange(ONE_IN)
        if fate == 0:
            return
        outcome: dict[str, Any] = {"status": "success", "output": {"model_path": "s3://b/m"}}
        if fate == 1:
            outcome = {"status": "failure", "error": {"code": "no_data", "message": "No rows."}}
        for _ in range(2 if fate == 2 else 1):
            self._report(call["event"]["callback"], outcome)

    def _take(self) -> dict[str, Any] | None:
        with self._lock:
            while self._next < len(self._fake.calls):
                call = self._fake.calls[self._next]
                self._next += 1
                if call["kind"] == "Event" and call["mode"] in REACHED:
                    return call
        return None

    def _report(self, callback: dict[str, str], outcome: dict[str, Any]) -> None:
        url, ends_at = urlsplit(callback["url"]), time.monotonic() + 60
        bearer = {"Authorization": f"Bearer {callback['token']}"}
        while time.monotonic() < ends_at:
            try:
                status, _ = ask(url.port or 80, "POST", url.path, outcome, **bearer)
            except (OSError, HTTPException):
                status = NO_ANSWER
            if status in (200, 409):
                # A deadline, or the report of an earlier call of the same job, came first.
                self.contradicted += status == 409
                return
            assert status in (NO_ANSWER, 503), (status, json.dumps(outcome))
            time.sleep(PAUSE_SECONDS)
        raise AssertionError("a report was never taken")


class _Crew:
    """Threads that do one thing again and again; what goes wrong is raised at the end."""

    def __init__(self, size: int, chance: random.Random, do: Any) -> None:
        self._is_over = threading.Event()
        self._faults: list[BaseException] = []
        self._do = do
        self._threads = [
            threading.Thread(target=self._run, args=[random.Random(chance.random())])
            for _ in range(size)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(200)
        if self._faults:
            raise self._faults[0]

    def _run(self, chance: random.Random) -> None:
        try:
            while not self._is_over.is_set():
                self._do(chance)
        except BaseException as error:
            self._faults.append(error)
            raise
