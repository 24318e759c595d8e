"""What is taken away under load: a web server to ask, callers who repeat, a Redis that stops."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import psycopg
import redis

from tests.benchmarks.places import postgres_binaries
from tests.faults.processes import environment, wait_for
from tests.tokens import token

ROOT = Path(__file__).resolve().parent.parent.parent
CALLERS = 4
READ = "/v2/models?limit=1"
PAUSE_SECONDS = 0.1
NO_ANSWER = 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send one request on a connection of its own; what is not JSON is an error of the test."""
    client = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        sent = {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        client.request(method, path, text, {**sent, **headers})
        answer = client.getresponse()
        status, found = answer.status, json.loads(answer.read())
        assert status != 503 or answer.getheader("Retry-After")
        return status, found
    finally:
        client.close()


def documented_server() -> list[str]:
    """Return the command line of the web server, word for word as the page on operating has it."""
    page = (ROOT / "config" / "docs" / "operating.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("granian "))
    return [str(Path(sys.executable).with_name("granian")), *shlex.split(line)[1:]]


@contextmanager
def web(folder: Path, **changed: str) -> Iterator[int]:
    """Serve as production does, from processes of its own; yields the port."""
    with web_process(folder, **changed) as (port, _):
        yield port


@contextmanager
def web_process(folder: Path, **changed: str) -> Iterator[tuple[int, int]]:
    """Serve as production does; yields the port, and the id of the main process."""
    port = free_port()
    log = folder / f"web-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            documented_server(),
            env=environment(GRANIAN_PORT=str(port), **changed),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: _answers(port))
        # Each process makes its first connection now, and not when a test takes something away.
        wait_for(lambda: all(ask(port, "GET", READ)[0] == 200 for _ in range(8)))
        yield port, process.pid
        assert process.poll() is None, "the web server has ended"
    except BaseException:
        print(log.read_text(errors="replace")[-4000:])  # noqa: T201 (for the report)
        raise
    finally:
        process.terminate()
        process.wait(30)


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started and that still run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found]


def _answers(port: int) -> bool:
    with suppress(OSError, HTTPException):
        return ask(port, "GET", "/v2/health")[0] == 200
    return False


class Load:
    """Callers who ask for one thing after the other while the block lasts.

    What is not accepted is asked for again with the same Idempotency-Key, until it is.
    """

    def __init__(self, port: int, path: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.accepted: dict[str, str] = {}
        self.faults: list[BaseException] = []
        self._port, self._path = port, path
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CALLERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._is_over.is_set():
                self._ask_until_accepted(str(uuid4()))
                time.sleep(PAUSE_SECONDS)
        except BaseException as error:  # it is the test's to judge
            self.faults.append(error)

    def _ask_until_accepted(self, key: str) -> None:
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at:
            status, answer = self._ask_once(key)
            self.statuses[status] += 1
            if 200 <= status < 300:
                self.accepted[key] = answer["inference_job_id"]
                return
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{key} was never accepted: {self.statuses}")

    def _ask_once(self, key: str) -> tuple[int, Any]:
        body = {"input": {"n": key}}
        try:
            return ask(self._port, "POST", self._path, body, **{"Idempotency-Key": key})
        except (OSError, HTTPException):
            return NO_ANSWER, None


class OwnRedis:
    """A Redis of the test's own that may be killed; it forgets everything then."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [*command, "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
        )
        wait_for(self._answers)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


class OwnPostgres:
    """A PostgreSQL of the test's own that may be restarted, or killed as by a power cut."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        # It refuses to run as root, and its account must get at the folder.
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._account = {"user": "postgres", "group": "postgres"}
            shutil.chown(folder, "postgres")
        self.url = f"postgres://postgres@127.0.0.1:{self._port}/postgres"
        make = ["initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        self._run(make, wait=True)
        self.start()

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": self._folder,
            "max_connections": 100,
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = self._run(["postgres", "-D", str(self._folder / "data"), *settings])
        wait_for(self._answers)

    def stop(self, *, as_by_a_power_cut: bool = False) -> None:
        """Stop it: by a fast shutdown, or so that it has to recover when it starts again."""
        self._process.send_signal(signal.SIGQUIT if as_by_a_power_cut else signal.SIGINT)
        self._process.wait(30)

    def cut_connections(self) -> None:
        """End every connection to it."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def _run(self, command: list[str], *, wait: bool = False) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [str(postgres_binaries() / command[0]), *command[1:]],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._account,
        )
        if wait:
            assert process.wait(60) == 0
        return process

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=2).close()
            return True
        return False
