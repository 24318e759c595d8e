"""Lines of the log in a web process: several in one piece, soon, in their order, and none lost."""

from __future__ import annotations

import logging
import os
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
    _wait_until(lambda: "".join(lines.stream.texts) == expected)


def _wait_until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.005)


def _raising(error: Exception) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise error

    return act


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


def test_letters_count_as_what_they_take_in_a_pipe(lines, say, monkeypatch):
    monkeypatch.setattr("config.log_writing.COLLECTED_FOR", 60)
    lines.collect()
    for _ in range(3):
        say("é" * 1500)
    lines.flush()

    assert len(lines.stream.texts) == 3


@pytest.mark.parametrize("error", [BlockingIOError(), RuntimeError(), AttributeError()])
def test_what_can_not_be_written_is_gone_and_what_comes_after_it_is_not(lines, say, error):
    lines.collect()
    lines.stream.write, write = _raising(error), lines.stream.write
    say("a")
    _wait_until(lambda: not lines._waiting)
    lines.stream.write = write
    say("b")

    _wait_for(lines, "b\n")


def test_nothing_gathers_where_there_is_no_standard_error(say, lines, capsys):
    lines.stream = None
    for level in (logging.INFO, logging.WARNING) * 10:
        say("a", level)
    lines.collect()
    for level in (logging.INFO, logging.WARNING) * 10:
        say("a", level)

    assert len(lines._waiting) <= 20
    _wait_until(lambda: not lines._waiting)


def test_where_no_thread_can_be_had_lines_are_written_at_once(lines, say, monkeypatch):
    lines.collect()
    monkeypatch.setattr("config.log_writing.threading.Thread.start", _raising(RuntimeError()))
    say("a")
    monkeypatch.undo()
    say("b")

    _wait_for(lines, "a\nb\n")


def test_a_signal_may_log_while_a_line_is_written(lines, say, monkeypatch):
    monkeypatch.setattr("config.log_writing.COLLECTED_FOR", 60)
    lines.collect()
    write, logged = lines.stream.write, iter("b")

    def interrupted(text: str) -> None:
        for each in logged:
            say(each, logging.WARNING)
        write(text)

    lines.stream.write = interrupted
    say("a", logging.WARNING)

    assert sorted("".join(lines.stream.texts).split()) == ["a", "b"]


@pytest.mark.parametrize("collects", ["", "collect_lines();"])
def test_a_process_forked_while_another_thread_writes_can_log(collects, tmp_path):
    program = f"""
import signal, threading
{collects}
threading.Thread(target=lambda: [say("x" * 500) for _ in iter(int, 1)], daemon=True).start()
for _ in range(20):
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        say("child")
        logging.shutdown()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, "the child hung"
os._exit(0)
"""
    # As most processes begin: standard error has a buffer, and that a lock.
    buffered = {name: at for name, at in os.environ.items() if name != "PYTHONUNBUFFERED"}
    # A file, which never makes anybody wait; a full pipe would.
    with (tmp_path / "log").open("w+") as log:
        ended = subprocess.run(
            [sys.executable, "-c", COLLECTS + program],
            env=buffered,
            stdout=subprocess.DEVNULL,
            stderr=log,
            timeout=150,
        )
        log.seek(0)
        written = log.read()

    assert ended.returncode == 0, written[-500:]
    assert written.count("child\n") == 20


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


@pytest.mark.parametrize(("process", "collects"), [("config.wsgi", True), ("config.celery", False)])
def test_web_processes_collect_lines_and_others_do_not(process, collects):
    program = f"import django, logging; django.setup(); import {process};"
    program += "print([h._is_collecting for h in logging.getLogger().handlers])"
    ended: Any = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.stdout.splitlines()[-1:] == [str([collects])], ended.stderr
