"""Interleaved rounds: every competitor in turn, again and again; medians, and ratios by round."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.competitors import Server
from tests.benchmarks.names import SERVICE

Drive = Callable[[Server, list[str]], dict[str, Any]]
CLIENTS, SECONDS = 8, 1.5


@contextmanager
def driving(*, clients: int = CLIENTS, seconds: float = SECONDS) -> Iterator[Drive]:
    """Yield what sends requests to a server for some time, from a process of its own.

    It ends the run (SystemExit) when one of the answers is no success: that is no measure.
    """
    command = [sys.executable, "-m", "tests.benchmarks.driver"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]

    def drive(server: Server, requests: list[str]) -> dict[str, Any]:
        told = {"port": server.port, "requests": requests, "clients": clients, "seconds": seconds}
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        found: dict[str, Any] = json.loads(process.stdout.readline())
        if any(status[0] not in "23" for status in found["statuses"]):
            raise SystemExit(f"The answers to {requests[0]} were {found['statuses']}")
        return found

    try:
        yield drive
    finally:
        process.stdin.close()
        process.wait()


def interleave(
    competitors: dict[str, Callable[[], dict[str, Any]]], rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Run all competitors in turn, `rounds` times and once before, which is not counted."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in competitors}
    for round_ in range(rounds + 1):
        for name, run in competitors.items():
            outcome = run()
            if round_:
                found[name].append(outcome)
    return found


def summary(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return medians of each competitor, and of the service's ratio to each other by round."""
    medians = {
        name: {
            key: statistics.median(outcome[key] for outcome in outcomes)
            for key in ("per_second", "p50_ms", "p99_ms")
            if key in outcomes[0]
        }
        for name, outcomes in found.items()
    }
    of = {
        name: statistics.median(
            ours["per_second"] / theirs["per_second"]
            for ours, theirs in zip(found[SERVICE], outcomes, strict=True)
        )
        for name, outcomes in found.items()
        if name != SERVICE
    }
    each = {name: [outcome["per_second"] for outcome in found[name]] for name in found}
    return {"medians": medians, "service_over": of, "rounds": each}


def table(title: str, rows: dict[str, dict[str, Any]]) -> None:
    """Print one line for each row of medians a second, and the ratios beside them."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    names = list(dict.fromkeys(name for row in rows.values() for name in row["medians"]))
    for name in names:
        shown.add_column(f"{name}, a second", justify="right")
    others = [name for name in names if name != SERVICE]
    for name in others:
        shown.add_column(f"of {name}", justify="right")
    shown.add_column("p50, p99 ms", justify="right")
    for caption, row in rows.items():
        medians, of = row["medians"], row["service_over"]
        ours = medians[SERVICE]
        shown.add_row(
            caption,
            *(f"{medians[name]['per_second']:,.0f}" if name in medians else "" for name in names),
            *(f"{of[name]:.2f}" if name in of else "" for name in others),
            f"{ours['p50_ms']:.1f}, {ours['p99_ms']:.1f}" if "p50_ms" in ours else "",
        )
    Console().print(shown)
