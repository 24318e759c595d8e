"""Parts about whole processes: which web server, how fast it starts, an update for a million."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from models_registry.models import Model
from tests import examples
from tests.benchmarks import competitors, stock
from tests.benchmarks.competitors import Server
from tests.benchmarks.names import SERVICE, model_id
from tests.benchmarks.rounds import Drive, interleave, summary

APPLICATION = "config.wsgi:application"
SUBSCRIBERS = 1_000_000
# How many models the requests go to.
SPREAD = 500
# Two contracts by turns, so that each update changes an interface.
LIMITS = (64, 65)


def servers(drive: Drive, rounds: int, folder: Path, token: str) -> dict[str, Any]:
    """The service as deployed and under other web servers, with updates and with reads."""
    ways = {
        SERVICE: {"kind": "granian", "threads": competitors.THREADS},
        "granian, 1 thread": {"kind": "granian", "threads": 1},
        "granian, 4 threads": {"kind": "granian", "threads": 4},
        "gunicorn": {"kind": "gunicorn", "threads": competitors.THREADS},
    }
    if not Model.objects.filter(pk=model_id(0)).exists():
        stock.make_models(SPREAD)
    body, found = examples.update_model(), {}
    with ExitStack() as stack:
        running: dict[str, Server] = {}
        for number, (name, how) in enumerate(ways.items()):
            server = competitors.wsgi(APPLICATION, folder / f"server{number}", token, **how)  # type: ignore[arg-type]
            running[name] = stack.enter_context(server)
        for caption, make in {
            "PUT": lambda s, n: s.request("PUT", f"/v2/models/{model_id(n)}", body),
            "GET": lambda s, n: s.request("GET", f"/v2/models/{model_id(n)}"),
        }.items():
            cases: dict[str, Callable[[], dict[str, Any]]] = {
                name: lambda server=server, make=make: drive(  # type: ignore[misc]
                    server, [make(server, number) for number in range(SPREAD)]
                )
                for name, server in running.items()
            }
            found[caption] = summary(interleave(cases, rounds))
    return found


def subscribers(server: Server, drive: Drive, rounds: int) -> dict[str, Any]:
    """An update of the contract, of a model with a million subscriptions and of one with none."""
    for name in ("popular", "lonely"):
        stock.factories.make_active_model(name)
    stock.make_subscriptions("popular", SUBSCRIBERS)

    def updates(name: str) -> Callable[[], dict[str, Any]]:
        bodies = [examples.update_model() for _ in LIMITS]
        for body, limit in zip(bodies, LIMITS, strict=True):
            schema = body["handler_contracts"]["inference"]["input_schema"]
            schema["properties"]["features"]["maxItems"] = limit
        path = f"/v2/models/{name}"
        return lambda: drive(server, [server.request("PUT", path, body) for body in bodies])

    return summary(
        interleave({SERVICE: updates("popular"), "without any": updates("lonely")}, rounds)
    )


def start(rounds: int, folder: Path, token: str) -> dict[str, Any]:
    """Seconds from the start of a process to its first answer, and its memory after some."""
    seconds, memory = [], []
    for number in range(rounds):
        begun = time.perf_counter()
        place = folder / f"start{number}"
        with competitors.wsgi(APPLICATION, place, token, processes=1) as server:
            seconds.append(time.perf_counter() - begun)
            for _ in range(50):
                server.ask("GET", "/v2/models?limit=10")
            memory.append(max(_resident_mib(pid) for pid in _children(server.pid)))
    return {"seconds": statistics.median(seconds), "memory_mib": statistics.median(memory)}


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found]


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0
