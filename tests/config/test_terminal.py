"""What the commands share: tables that fit, colours only for people, JSON for scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from config.terminal import Column, Display, cleaned, state
from tests.serving import ROOT

ROWS = [
    {"id": "price", "status": "active", "name": "The price of a day " * 5},
    {"id": "route", "status": "failed", "name": "Routes"},
]
COLUMNS = (
    Column("MODEL", lambda row: row["id"]),
    Column("STATUS", lambda row: state(row["status"])),
    Column("NAME", lambda row: row["name"], truncatable=True),
)


class Shown:
    """What a display of this kind has written."""

    def __init__(self, *, as_json: bool = False, **console: Any) -> None:
        self._out, self._notes = StringIO(), StringIO()
        self.display = Display(self._out, self._notes, as_json=as_json, **console)

    def rows(self, rows: list[dict[str, Any]] = ROWS, **options: Any) -> str:
        self.display.rows(rows, COLUMNS, objects=rows, empty="Nothing.", **options)
        return self.out

    @property
    def out(self) -> str:
        return self._out.getvalue()

    @property
    def notes(self) -> str:
        return self._notes.getvalue()


def test_a_pipe_gets_whole_lines_without_colours():
    lines = Shown().rows().splitlines()
    assert lines[0].split() == ["MODEL", "STATUS", "NAME"]
    assert lines[1].split(maxsplit=2)[2].strip() == ROWS[0]["name"].strip()
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines)


def test_a_terminal_gets_states_in_their_colours_and_lines_that_fit():
    shown = Shown(force_terminal=True, width=60, color_system="standard").rows()
    assert "\x1b[32mactive" in shown
    assert "\x1b[31mfailed" in shown
    plain = Shown(width=60).rows().splitlines()
    assert max(map(len, plain)) <= 60
    assert plain[1].rstrip().endswith("…")


def test_a_narrow_terminal_gets_blocks_in_which_nothing_is_lost():
    shown = Shown(width=24).rows()
    assert [line.split()[:2] for line in shown.splitlines()[:2]] == [
        ["MODEL", "price"],
        ["STATUS", "active"],
    ]
    assert shown.count("price") > 1
    assert "…" not in shown


@pytest.mark.parametrize("console", [{"no_color": True}, {}])
def test_no_color_is_obeyed(console: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    if not console:
        monkeypatch.setenv("NO_COLOR", "1")
    shown = Shown(force_terminal=True, width=60, color_system="standard", **console).rows()
    assert "\x1b[32m" not in shown
    assert "active" in shown


def test_json_is_one_document_and_notes_go_elsewhere():
    shown = Shown(as_json=True)
    assert json.loads(shown.rows(more=True)) == ROWS
    assert shown.notes == "Only the first 2 are shown; --limit N shows more.\n"


def test_an_empty_list_is_said_to_a_person_and_an_empty_array_to_a_script():
    assert Shown().rows([]) == "Nothing.\n"
    assert Shown(as_json=True).rows([]) == "[]\n"


def test_what_a_terminal_would_obey_is_written_out():
    assert cleaned("a\x1b]0;title\x07b\r\n\x9b2J\u202e") == (
        "a\\x1b]0;title\\x07b\\x0d\\x0a\\x9b2J\\x202e"
    )
    row = {"id": "[red]x[/]", "status": "\x1b[2J", "name": "\x9b2J"}
    assert Shown().rows([row]).splitlines()[1].split() == ["[red]x[/]", "\\x1b[2J", "\\x9b2J"]
    assert "\x9b" not in Shown(as_json=True).rows([row])


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path):
    run = subprocess.run(
        f"set -o pipefail; {sys.executable} manage.py models --data {tmp_path} --json | true",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in run.stderr
