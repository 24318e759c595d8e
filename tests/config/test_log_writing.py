"""Lines of the log in a web process: several in one piece, soon, in their order, and none lost."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from config.log_writing import COLLECTED_LINES, PIPE_BUF, Lines

# A process that collects lines, and what it does then.
COLLECTS = """
import logging, multiprocessing, os, sys
from config.log_writing import Lines, collect_lines
logging.getLogger().addHandler(Lines(sys.stderr))
logging.getLogger().setLevel(logging.INFO)
say = logging.getLogger("app").info
def serve():
    collect_lines()
    say("a")
"""


class Stream:
    """Keeps what is written, a text for each write."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def lines(monkeypatch) -> Lines:
    monkeypatch.setattr("config.log_writing.os.register_at_fork", lambda **_: None)
    monkeypatch.setattr("config.log_writing.atexit.register", lambda _: None)
    monkeypatch.setattr("config.log_writing.Finalize", lambda *_, **__: None)
    return Lines(Stream())


@pytest.fixture
def say(lines) -> Callable[..., None]:
    def say(text: str, level: int = logging.INFO) -> None:
        lines.handle(logging.LogRecord("app", level, "f.py", 1, text, None, None))

    return say


def _wait_for(lines: Lines, expected: str) -> None:
    ends_at = time.monotonic() + 5
    while "".join(lines.stream.texts) != expected:
        assert time.monotonic() < ends_at, lines.stream.texts
        time.sleep(0.005)


def test_where_nobody_collects_a_line_is_written_at_once(lines, say):
    say("a")
    say("b")

    assert lines.stream.texts == ["a\n", "b\n"]


def test_lines_are_written_together_and_soon(lines, say, monkeypatch):
    monkeypatch.setattr("config.log_writing.COLLECTED_FOR", 0.2)
    lines.collect()
    say("a")
    say("b")

    assert lines.stream.texts == []
    _wait_for(lines, "a\nb\n")
    assert len(lines.stream.texts) == 1

    say("c")  # also when it has written before
    _wait_for(lines, "a\nb\nc\n")


def test_a_warning_waits_for_nothing_and_comes_after_what_was_said_before(lines, say, monkeypatch):
    monkeypatch.setattr("config.log_writing.COLLECTED_FOR", 60)
    lines.collect()
    say("a")
    say("b", logging.WARNING)

    assert "".join(lines.stream.texts) == "a\nb\n"


def test_no_more_than_so_many_lines_wait(lines, say, monkeypatch):
    monkeypatch.setattr("config.log_writing.COLLECTED_FOR", 60)
    lines.collect()
    for number in range(COLLECTED_LINES + 1):
        say(str(number))

    assert "".join(lines.stream.texts).splitlines() == [
        str(number) for number in range(COLLECTED_LINES + 1)
    ]


def test_pieces_are_no_longer_than_what_goes_into_a_pipe_as_a_whole(lines, say, monkeypatch):
    """Processes of one server share a pipe; half a line of one must not end up in another's."""
    monkeypatch.setattr("config.log_writing.COLLECTED_FOR", 60)
    lines.collect()
    for letter in "abc":
        say(letter * 2000)
    say("d" * 10_000)  # longer by itself
    say("e")
    lines.flush()

    texts = lines.stream.texts
    assert [text[0] for text in texts] == ["a", "c", "d", "e"]
    assert all(len(text) <= PIPE_BUF or text.count("\n") == 1 for text in texts)


@pytest.mark.parametrize(
    ("then", "written"),
    [
        ("serve()", ["a"]),
        # As a server's processes begin and end.
        (
            'p = multiprocessing.get_context("fork").Process(target=serve); p.start(); p.join()',
            ["a"],
        ),
        # A child has lines of its own only, and a thread of its own to write them.
        (
            "serve(); pid = os.fork()\n"
            'if not pid: say("b"); import time; time.sleep(0.5); os._exit(0)\n'
            "os.waitpid(pid, 0)",
            ["a", "b"],
        ),
    ],
)
def test_the_end_of_a_process_loses_no_line(then, written):
    ended: Any = subprocess.run(
        [sys.executable, "-c", COLLECTS + then], capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 0
    assert sorted(ended.stderr.splitlines()) == written
