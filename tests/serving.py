"""`manage.py serve` as a person starts it: a process of its own, read line by line."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from config.embedded.demo.api import Api

ROOT = Path(__file__).resolve().parent.parent
WITHIN_SECONDS = 60.0
OWN = ("MODELPACT_", "AUTH_", "DJANGO_", "AWS_", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL")


class Serving:
    """One run of the command; what it prints is `lines`, also while it runs."""

    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        self.lines: list[str] = []
        self.status: int | None = None
        self._unread: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            # Whatever warns would be seen by whoever tries the service.
            [sys.executable, "-W", "error", "manage.py", "serve", "--data", str(data), *options],
            cwd=ROOT,
            env={**kept, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._unread.put(self.lines[-1])
        self._unread.put(None)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def line(self, pattern: str) -> re.Match[str]:
        """Return the next line in which `pattern` is found, waiting for it."""
        ends_at = time.monotonic() + WITHIN_SECONDS
        while (text := self._unread.get(timeout=max(0.0, ends_at - time.monotonic()))) is not None:
            if found := re.search(pattern, text):
                return found
        raise AssertionError(f"It ended without {pattern!r}:\n{self.output}")

    def api(self) -> Api:
        """Return a client with the token that it prints when it is ready."""
        address = self.line(r"OpenAPI document\s+(\S+)/v2/openapi\.json")[1]
        return Api(address, self.line(r"Token, 8 hours\s+(\S+)")[1])

    def ended(self) -> int:
        """Wait for its end; returns the status."""
        self.status = self._process.wait(WITHIN_SECONDS)
        self._reader.join(WITHIN_SECONDS)
        return self.status

    def stop(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        return self.ended()

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self.ended()
        assert self._process.stdout is not None
        self._process.stdout.close()
