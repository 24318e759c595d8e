"""How updates and revalidation grow with the number of models, versions, subscriptions, workers.

Every step of a row is there at once, in a database or a model of its own, and each round runs all
of them in turn: a machine that swings does so for all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, connections
from rich.console import Console
from rich.table import Table

from models_registry.models import Model, ModelVersion
from tests import examples
from tests.benchmarks import competitors, stock
from tests.benchmarks.bench_revalidation import make_payloads
from tests.benchmarks.competitors import Server
from tests.benchmarks.names import model_id
from tests.benchmarks.others import APPLICATION, LIMITS
from tests.benchmarks.pipes import hear, tell
from tests.benchmarks.places import copied
from tests.benchmarks.plot import Panel, draw, short
from tests.benchmarks.rounds import Drive

MODELS = (1_000, 10_000, 100_000)
VERSIONS = (1_000, 10_000, 100_000)
SUBSCRIPTIONS = (1_000, 10_000, 100_000, 1_000_000)
WORKERS = (1, 2, 4)
SPREAD, CLIENTS = 50, 4
# What is revalidated where something else grows, and how many payloads a step takes in all.
PAYLOADS, PAYLOADS_IN_ALL = 20_000, 1_000_000
# What several workers share.
SHARED = 100_000
TARGET = "payloads"
Rates = dict[str, list[tuple[int, float]]]


def measure(drive: Drive, rounds: int, folder: Path, token: str) -> dict[str, Rates]:
    """Return a rate a second for each step: updates by HTTP, and revalidated payloads."""
    make_payloads(TARGET, PAYLOADS)
    with ExitStack() as stack:
        urls = {count: stack.enter_context(_models(count)) for count in MODELS}
        _make_versions()
        _make_subscriptions()

        def serve(url: str, processes: int) -> Server:
            place = folder / f"web{time.monotonic_ns()}"
            server = competitors.wsgi(
                APPLICATION, place, token, processes=processes, DATABASE_URL=url
            )
            return stack.enter_context(server)

        own = os.environ["DATABASE_URL"]
        working = {url: stack.enter_context(_processes(url, 1)) for url in urls.values()}
        working[own] = stack.enter_context(_processes(own, max(WORKERS)))
        server = serve(own, 1)
        updates = {
            "models": {count: (serve(url, 1), _spread()) for count, url in urls.items()},
            "versions of the model": {n: (server, [_versioned(n)]) for n in VERSIONS},
            "subscriptions to the model": {n: (server, [_subscribed(n)]) for n in SUBSCRIPTIONS},
            "web processes": {n: (serve(own, n), _spread()) for n in WORKERS},
        }
        one = working[own][:1]
        payloads = {
            "models": {count: (working[url], TARGET, PAYLOADS) for count, url in urls.items()},
            "versions of the model": {n: (one, _versioned(n), PAYLOADS) for n in VERSIONS},
            "subscriptions to the model": {n: (one, _subscribed(n), n) for n in SUBSCRIPTIONS},
            "workers": {n: (working[own][:n], _subscribed(SHARED), SHARED) for n in WORKERS},
        }
        return {
            "Updates a second": {
                what: _rates({n: _updates(drive, *step) for n, step in steps.items()}, rounds)
                for what, steps in updates.items()
            },
            "Revalidated payloads a second": {
                what: _rates({n: _revalidate(*step) for n, step in steps.items()}, rounds)
                for what, steps in payloads.items()
            },
        }


def show(found: dict[str, Rates]) -> None:
    """Print a line for each thing that grows: the number, and the rate at it."""
    for caption, rates in found.items():
        shown = Table(title=caption, title_justify="left", show_header=False)
        for what, points in rates.items():
            cells = (f"{short(number)}: {rate:,.0f}" for number, rate in points)
            shown.add_row(what, *cells)
        Console().print(shown)


def picture(found: dict[str, Rates]) -> str:
    """Return what was measured as an SVG."""
    rows = {
        caption: [Panel(what, points) for what, points in rates.items()]
        for caption, rates in found.items()
    }
    return draw(rows, "How updates and revalidation grow")


@contextmanager
def _models(count: int) -> Iterator[str]:
    """Let the models grow to `count`, and yield the URL of a copy of the database as it is then."""
    have = Model.objects.filter(pk__startswith="m").count()
    stock.make_models(count - have, first=have)
    connection.close()
    connections["default"].close_pool()
    with copied(os.environ["DATABASE_URL"], f"{count}") as url:
        yield url


def _versioned(count: int) -> str:
    return f"versions-{count}"


def _subscribed(count: int) -> str:
    return f"subscriptions-{count}"


def _spread() -> list[str]:
    return [model_id(number) for number in range(SPREAD)]


def _make_versions() -> None:
    for count in VERSIONS:
        name = _versioned(count)
        make_payloads(name, PAYLOADS)
        template = Model.objects.get(pk=name).current_version_id
        own: dict[str, str | None] = {"id": None, "number": "n + 2", "version": "'old-' || n"}
        with connection.cursor() as cursor:
            stock.copy_row(cursor, ModelVersion, template, own, count)
            cursor.execute("VACUUM ANALYZE models_registry_modelversion")
        Model.objects.filter(pk=name).update(last_number=count + 1)


def _make_subscriptions() -> None:
    for count in SUBSCRIPTIONS:
        make_payloads(_subscribed(count), count)


def _updates(drive: Drive, server: Server, names: list[str]) -> Callable[[], float]:
    """Return what updates models for some time, each time with another contract."""
    bodies = [examples.update_model() for _ in LIMITS]
    for body, limit in zip(bodies, LIMITS, strict=True):
        schema = body["handler_contracts"]["inference"]["input_schema"]
        schema["properties"]["features"]["maxItems"] = limit
    paths = [f"/v2/models/{name}" for name in names]
    requests = [server.request("PUT", path, body) for body in bodies for path in paths]
    return lambda: float(drive(server, requests)["per_second"])


def _revalidate(
    workers: list[subprocess.Popen[str]], target: str, payloads: int
) -> Callable[[], float]:
    """Return what has workers hold all payloads of a model against a new contract."""

    def run() -> float:
        run_id = _ask(workers[0], f"begin {target}")
        begun = time.perf_counter()
        for worker in workers:
            tell(worker, f"work {run_id}")
        for worker in workers:
            hear(worker)
        return payloads / (time.perf_counter() - begun)

    run.times = max(1, PAYLOADS_IN_ALL // payloads)  # type: ignore[attr-defined]
    return run


def _rates(steps: dict[int, Callable[[], float]], rounds: int) -> list[tuple[int, float]]:
    """Run all steps by turns, once to warm up, and return the best of each.

    What is asked is the shape: neighbours only ever make a step slower, and not all its rounds.
    """
    found: dict[int, list[float]] = {number: [] for number in steps}
    for round_ in range(rounds + 1):
        for number, run in steps.items():
            if round_ <= getattr(run, "times", rounds):
                found[number].append(run())
    return [(number, max(rates[1:] or rates)) for number, rates in found.items()]


@contextmanager
def _processes(url: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.benchmarks.revalidator"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "DATABASE_URL": url}
    started = [subprocess.Popen(command, env=environment, **pipes) for _ in range(count)]
    try:
        for process in started:
            assert hear(process) == "ready"
        yield started
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _ask(process: subprocess.Popen[str], line: str) -> str:
    tell(process, line)
    return hear(process)
