"""Real processes to kill: Celery workers with beat, on the test's database and broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

# Short enough for a test, in the proportions of the defaults.
QUICK = {
    "DISPATCH_LEASE_SECONDS": "1",
    "LAMBDA_EVENT_READ_TIMEOUT_SECONDS": "2",
    "LAMBDA_SYNC_READ_TIMEOUT_SECONDS": "2",
    "LAMBDA_CONNECT_TIMEOUT_SECONDS": "1",
    "SWEEP_INTERVAL_SECONDS": "0.5",
    "DISPATCH_BACKOFF_BASE_SECONDS": "0.5",
}


def environment(**changed: str) -> dict[str, str]:
    """Return the environment of a process that works on the test's own database and broker."""
    database = connection.settings_dict
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}"
        f"@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    )
    return {
        **os.environ,
        **QUICK,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url,
        "AWS_ENDPOINT_URL_LAMBDA": settings.LAMBDA_ENDPOINT_URL or "",
        **changed,
    }


class Worker:
    """A Celery worker with beat, in a process group of its own, so that all of it can be killed."""

    def __init__(self, folder: Path, **changed: str) -> None:
        name = f"worker-{time.monotonic_ns()}"
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "celery", "-q", "-A", "config", "worker", "-B"),
                    *("-Q", "dispatch,sync,background", "-c", "2", "--loglevel", "INFO"),
                    *("--without-gossip", "--without-mingle"),
                    *("--schedule", str(folder / f"{name}.beat"), "--pidfile", ""),
                ],
                env=environment(**changed),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it at once, all of its processes, with nothing tidied up."""
        self._signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self, *, within_seconds: float = 60) -> int:
        """Ask it to end and return its exit status; raise when it takes longer than that."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within_seconds)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self.process.pid, number)


@contextmanager
def worker(folder: Path, **changed: str) -> Iterator[Worker]:
    """Run a worker for as long as the block lasts; its log is shown when the block fails."""
    running = Worker(folder, **changed)
    try:
        yield running
    except BaseException:
        print(running.log.read_text(errors="replace")[-4000:])  # noqa: T201 (for the report)
        raise
    finally:
        running.kill()


@contextmanager
def stopped(script: str, *arguments: str, **changed: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script until it says that it is "there" and waits; kill it at the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=environment(**changed),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "there\n"
            yield process
        finally:
            process.kill()


def killed(script: str, *arguments: str) -> None:
    """Run a script until it says that it is "there" and waits, and kill it at that place."""
    with stopped(script, *arguments):
        pass


def wait_for(condition: Callable[[], Any], *, seconds: float = 40) -> Any:
    """Return what `condition` returns once that is true; fail when it takes too long."""
    ends_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends_at, f"not so within {seconds} seconds"
        time.sleep(0.05)
    return found
