"""Runs the benchmarks, prints tables and writes JSON.

    python -m tests.benchmarks [PART ...] [--mlflow] [--json FILE]

PostgreSQL and Redis are those of DATABASE_URL and REDIS_URL, or its own on free ports. Each part
runs in a process of its own on a database of its own, so that no part measures what another left
behind; the parts over HTTP share one. Machines swing: only what was measured in one run may be
compared, so every round runs all competitors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.benchmarks import competitors, over_http, rounds
from tests.benchmarks.names import FLOOR, MLFLOW, SERVICE
from tests.benchmarks.places import places, servers

ALONE = ("servers", "subscribers", "fan-out", "messages", "dispatch", "start", "revalidation")
# Only when named: it fills four databases.
NAMED = ("growth",)
PARTS = [*over_http.PARTS, *ALONE, *NAMED]


def main() -> None:
    options = _options()
    groups = _groups(options.parts)
    results: dict[str, Any] = {"processors": os.cpu_count(), "options": _plain(options)}
    if len(groups) == 1:
        results |= _measure(options)
    else:
        with servers() as (database_url, redis_url):
            for group in groups:
                results |= _in_a_process(group, database_url, redis_url)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        Console().print(f"Written to {options.json}")


def _groups(parts: list[str]) -> list[list[str]]:
    """Return the parts that run together: those over HTTP, and each other one by itself."""
    http = [part for part in parts if part in over_http.PARTS]
    return [*([http] if http else []), *([part] for part in parts if part not in over_http.PARTS)]


def _in_a_process(group: list[str], database_url: str, redis_url: str) -> dict[str, Any]:
    """Run some parts in a process of their own, and return what they found."""
    begun = time.monotonic()
    flags = [word for word in sys.argv[1:] if word not in PARTS]
    with tempfile.NamedTemporaryFile(suffix=".json") as found:
        # The last --json counts.
        command = [sys.executable, "-m", "tests.benchmarks", *group, *flags, "--json", found.name]
        environment = os.environ | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        subprocess.run(command, check=True, env=environment)
        results: dict[str, Any] = json.loads(Path(found.name).read_text(encoding="utf-8"))
    sys.stderr.write(f"{', '.join(group)}: {time.monotonic() - begun:.0f} s\n")
    return {name: value for name, value in results.items() if name not in ("processors", "options")}


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run the parts of one group here, on new databases."""
    needs_mlflow = options.mlflow and options.parts[0] in over_http.PARTS
    names = (SERVICE, *([MLFLOW] if needs_mlflow else []))
    with (
        places(names) as (databases, redis_url),
        tempfile.TemporaryDirectory(prefix="modelpact-bench-") as folder,
    ):
        os.environ.update(competitors.production(databases[SERVICE], redis_url))
        _prepare()
        if options.parts[0] in over_http.PARTS:
            return _over_http(options, databases, Path(folder))
        return {part: _alone(part, options, Path(folder)) for part in options.parts}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=rounds.SECONDS, help="of each run")
    parser.add_argument("--clients", type=int, default=rounds.CLIENTS)
    parser.add_argument("--rows", type=int, default=200_000, help="that are revalidated")
    parser.add_argument("--server", choices=competitors.SERVERS, default="granian")
    parser.add_argument(
        "--threads", type=int, default=competitors.THREADS, help="of each server process"
    )
    parser.add_argument("--mlflow", action="store_true", help="install it and compare")
    parser.add_argument("--svg", type=Path, help="where to draw how it grows")
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    options = parser.parse_args()
    options.parts = options.parts or [part for part in PARTS if part not in NAMED]
    unknown = set(options.parts).difference(PARTS)
    if unknown:
        parser.error(f"There is no part {', '.join(sorted(unknown))}.")
    return options


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if name not in ("json", "svg")}


def _prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _over_http(
    options: argparse.Namespace, databases: dict[str, str], folder: Path
) -> dict[str, Any]:
    from tests.benchmarks import stock

    stock.make_models()
    found: dict[str, Any] = {}
    with _servers(options, databases, folder) as servers, _driving(options) as drive:
        for part in options.parts:
            caption, _ = over_http.PARTS[part]
            found[caption] = over_http.measure(part, servers, drive, options.rounds)
            sys.stderr.write(f"{part} ")
            sys.stderr.flush()
    sys.stderr.write("\n")
    rounds.table("Requests over HTTP", found)
    return {"over_http": found}


def _alone(part: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run a part that has servers or processes of its own."""
    from tests.benchmarks import bench_revalidation, in_background, others

    found: dict[str, Any]
    if part == "servers":
        with _driving(options) as drive:
            found = others.servers(drive, options.rounds, folder, _token())
        rounds.table("Web servers", found)
    elif part == "subscribers":
        application = competitors.wsgi(others.APPLICATION, folder / part, _token())
        with application as server, _driving(options, clients=2) as drive:
            found = others.subscribers(server, drive, options.rounds)
        rounds.table("PUT of a contract, with 1,000,000 subscriptions", {"PUT": found})
    elif part in ("fan-out", "messages"):
        run = in_background.fan_out if part == "fan-out" else in_background.messages
        found = run(options.rounds)
        rounds.table("An event with 10,000 subscriptions", {part: found})
    elif part == "growth":
        found = _growth(options, folder)
    elif part == "revalidation":
        found = bench_revalidation.measure(options.rows, options.rounds)
        Console().print(bench_revalidation.table(found))
    else:
        (folder / part).mkdir()
        if part == "dispatch":
            found = in_background.dispatch(options.rounds, folder / part)
        else:
            found = others.start(options.rounds, folder / part, _token())
        Console().print(part, found)
    return found


def _growth(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from tests.benchmarks import growth

    (folder / "growth").mkdir()
    with _driving(options, clients=growth.CLIENTS) as drive:
        found = growth.measure(drive, options.rounds, folder / "growth", _token())
    growth.show(found)
    if options.svg:
        options.svg.write_text(growth.picture(found), encoding="utf-8")
    return found


def _token() -> str:
    from tests.tokens import token

    return token("admin")


def _driving(options: argparse.Namespace, clients: int | None = None) -> Any:
    return rounds.driving(clients=clients or options.clients, seconds=options.seconds)


@contextmanager
def _servers(
    options: argparse.Namespace, databases: dict[str, str], folder: Path
) -> Iterator[dict[str, competitors.Server]]:
    how: dict[str, Any] = {"kind": options.server, "threads": options.threads}
    with ExitStack() as stack:

        def start(name: str, application: str) -> competitors.Server:
            server = competitors.wsgi(application, folder / name, _token(), **how)
            return stack.enter_context(server)

        servers = {
            SERVICE: start(SERVICE, "config.wsgi:application"),
            FLOOR: start(FLOOR, "tests.benchmarks.floor:application"),
        }
        if options.mlflow:
            from tests.benchmarks.mlflow_stock import make_registered_models

            theirs = competitors.mlflow(databases[MLFLOW], folder / MLFLOW)
            servers[MLFLOW] = stack.enter_context(theirs)
            make_registered_models(servers[MLFLOW], databases[MLFLOW])
        yield servers


if __name__ == "__main__":
    main()
