"""How lines of the log are written: at once, or, in a web process, several together."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Any

# How long a line may wait for others, in seconds, and how many may wait at once.
COLLECTED_FOR, COLLECTED_LINES = 0.02, 1000
# POSIX, write(): so many bytes go into a pipe as a whole, whoever else writes into it.
PIPE_BUF = 4096


class Lines(logging.StreamHandler[Any]):
    """Writes lines to standard error, which flushes itself with each.

    Between `collect` and the end of the process, lines below WARNING wait for a few milliseconds
    and a thread writes them together. To write gives up the interpreter's lock: a request would
    wait for its turn behind others once more than it must, a fifth of what a short read costs.
    """

    def __init__(self, stream: Any = None) -> None:
        super().__init__(stream)
        self._is_collecting = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Be in a forked process as in a new one: lines of its parent's are not its own."""
        self._waiting: deque[str] = deque()
        # A signal may have the thread that writes log another line.
        self._writing = threading.RLock()
        self._some_wait = threading.Event()
        self._collector: threading.Thread | None = None

    def collect(self) -> None:
        """From here on, write lines together, in this process and in those that it forks."""
        self._is_collecting = True
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.flush)
        # Processes of `multiprocessing` end without what is registered above.
        Finalize(None, self.flush, exitpriority=0)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n"
            if not self._is_collecting:
                self._write(line)
                return
            self._waiting.append(line)
            if record.levelno >= logging.WARNING or len(self._waiting) > COLLECTED_LINES:
                self.flush()
            elif not self._some_wait.is_set():
                self._have_collected()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write all that waits, in its order. Raises what the stream raises, less by a piece."""
        with self._writing:
            while self._waiting:
                piece = self._next_piece()
                self._write(piece)

    def _write(self, text: str) -> None:
        """Write past the stream's buffer, whose lock a thread of the parent's may hold.

        In a forked process nobody would ever let it go, and the first line wait for it for good.
        """
        raw = getattr(getattr(self.stream, "buffer", None), "raw", None)
        if raw is None:  # not a standard stream with a buffer
            self.stream.write(text)
            return
        data = text.encode(self.stream.encoding, self.stream.errors)
        while data:
            written = raw.write(data)
            if written is None:
                raise BlockingIOError("Standard error takes no more at the moment.")
            data = data[written:]

    def _next_piece(self) -> str:
        """Take as many lines as go out as a whole; one at least."""
        piece = self._waiting.popleft()
        size = _size(piece)
        while self._waiting and (size := size + _size(self._waiting[0])) <= PIPE_BUF:
            piece += self._waiting.popleft()
        return piece

    def _have_collected(self) -> None:
        """Tell the thread that lines wait; start it where there is none."""
        if self._collector is None or not self._collector.is_alive():
            collector = threading.Thread(target=self._run, name="log", daemon=True)
            try:
                collector.start()
            except RuntimeError:  # no thread can be had, or the process is ending
                self.flush()
                return
            self._collector = collector
        self._some_wait.set()

    def _run(self) -> None:
        while self._some_wait.wait():
            time.sleep(COLLECTED_FOR)
            self._some_wait.clear()
            # What it could not write is lost, as it would be without the thread; it must go on.
            with suppress(Exception):
                self.flush()


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def collect_lines() -> None:
    """Have this process's handlers collect lines."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Lines):
            handler.collect()
