"""Revalidation against a bare scan of the same rows, and against the ORM, in one run.

Rounds are interleaved and each ratio is taken within its round, since machines swing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
import psycopg

from tests.benchmarks.pipes import hear, tell

PAYLOAD_BYTES = 520
# One payload of ten has a route that the contract refuses.
ONE_FAILS_OF = 10
PAGE = 2000
NAIVE_ROWS = 2000
SMALL_ROWS = 10_000
CONTRACT = {
    "type": "object",
    "required": ["route", "features"],
    "properties": {
        "route": {"type": "string", "maxLength": 40},
        "features": {"type": "array", "items": {"type": "number"}, "maxItems": 64},
        "options": {
            "type": "object",
            "properties": {
                "mode": {"enum": ["fast", "exact"]},
                "limit": {"type": "integer", "minimum": 0},
            },
            "additionalProperties": {"type": "string"},
        },
    },
}
# What a worker process runs: everything is loaded and connected before it is told to begin.
WORKER = """
import resource, sys
from uuid import UUID
import django
django.setup()
from django.db import connection
from subscriptions.revalidation import runs
connection.ensure_connection()
print("ready", flush=True)
for line in sys.stdin:
    while runs.work_through(UUID(line.strip())):
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
"""


def measure(rows: int, rounds: int) -> dict[str, Any]:
    """Make `rows` subscriptions and return what was measured over `rounds` rounds."""
    make_payloads("large", rows)
    make_payloads("small", SMALL_ROWS)
    with _workers(2) as (first, second):
        cases: dict[str, Callable[[], float]] = {
            "bare keyset scan": lambda: _bare_scan("large"),
            "revalidation, 1 worker": lambda: _revalidate("large", [first]),
            "revalidation, 2 workers": lambda: _revalidate("large", [first, second]),
        }
        rates: dict[str, list[float]] = {name: [] for name in cases}
        for round_ in range(rounds + 1):
            for name, case in cases.items():
                _reset("large")
                rate = rows / case()
                if round_:  # the first one fills the caches
                    rates[name].append(rate)
    bare = rates["bare keyset scan"]
    return {
        "rows": rows,
        "rows_per_second": {name: statistics.median(found) for name, found in rates.items()},
        "of_the_bare_scan": {
            name: statistics.median(rate / floor for rate, floor in zip(found, bare, strict=True))
            for name, found in rates.items()
        },
        "two_workers_over_one": statistics.median(
            two / one
            for one, two in zip(
                rates["revalidation, 1 worker"], rates["revalidation, 2 workers"], strict=True
            )
        ),
        "naive_rows_per_second": statistics.median(_naive("large") for _ in range(3)),
        "peak_memory_mib": {str(SMALL_ROWS): _peak("small"), str(rows): _peak("large")},
    }


def table(results: dict[str, Any]) -> str:
    lines = [f"{'':28}{'rows a second':>15}{'of the bare scan':>18}"]
    for name, rate in results["rows_per_second"].items():
        lines.append(f"{name:28}{rate:15,.0f}{results['of_the_bare_scan'][name]:18.2f}")
    one = results["rows_per_second"]["revalidation, 1 worker"]
    naive = results["naive_rows_per_second"]
    lines += [
        f"{'ORM with jsonschema':28}{naive:15,.0f}",
        "",
        f"Two workers are {results['two_workers_over_one']:.2f} times one; one worker is"
        f" {one / naive:.0f} times ORM with jsonschema.",
        *(
            f"Peak memory of a worker over {int(rows):,} rows: {mib:.0f} MiB."
            for rows, mib in results["peak_memory_mib"].items()
        ),
    ]
    return "\n".join(lines)


def make_payloads(target: str, rows: int) -> None:
    """Make an active model and `rows` subscriptions that replay a payload of 520 bytes to it."""
    from django.db import connection

    from models_registry.models import new_id
    from subscriptions.models import EventSubscription
    from tests import factories

    factories.make_active_model(target, handler_contracts=None)
    source = factories.make_active_model(f"{target}-source", handler_contracts=None).pk
    template = factories.make_subscription(
        source, target, input_source="stored", target_action="inference", input={}
    )
    names = [field.column for field in EventSubscription._meta.concrete_fields]
    table = EventSubscription._meta.db_table
    own = {"id", "input", "input_bytes"}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout TO 0")
        cursor.execute("CREATE TEMP TABLE payload (id uuid, input text)")
        with cursor.copy("COPY payload FROM STDIN") as copy:
            for number in range(rows):
                copy.write_row((new_id(), _payload(number)))
        values = {"id": "payload.id", "input": "payload.input", "input_bytes": str(PAYLOAD_BYTES)}
        columns = [values[name] if name in own else f"old.{name}" for name in names]
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(columns)}"
            f" FROM payload, {table} old WHERE old.id = %s",
            [template.pk],
        )
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [template.pk])
        cursor.execute("DROP TABLE payload")
        cursor.execute(f"VACUUM ANALYZE {table}")


def _payload(number: int) -> str:
    payload: dict[str, Any] = {
        "route": number if number % ONE_FAILS_OF == 0 else f"route {number}",
        "features": [(number * factor % 1_000_003) / 10_000 for factor in range(1, 31)],
        "options": {"mode": "fast", "limit": number, "note": ""},
    }
    payload["options"]["note"] = "x" * (PAYLOAD_BYTES - len(orjson.dumps(payload)))
    return orjson.dumps(payload).decode()


def _bare_scan(target: str) -> float:
    """Read id and payload of every row, page by page, and nothing else; returns the seconds."""
    after, seen = UUID(int=0), 0
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.cursor()
        begun = time.perf_counter()
        while True:
            rows = cursor.execute(
                "SELECT id, input FROM subscriptions_eventsubscription"
                " WHERE target_id = %s AND target_action = 'inference'"
                f" AND input_source = 'stored' AND id > %s ORDER BY id LIMIT {PAGE}",
                [target, after],
                prepare=True,
            ).fetchall()
            if not rows:
                return time.perf_counter() - begun
            after, seen = rows[-1][0], seen + len(rows)


def _new_run(target: str) -> UUID:
    """Tighten the target's contract, with the hint left out, and return the run over its rows."""
    from subscriptions.models import Revalidation
    from tests import factories

    factories.change_model(target, handler_contracts={"inference": {"input_schema": CONTRACT}})
    return Revalidation.objects.filter(model_id=target).latest("created_at").pk


def _reset(target: str) -> None:
    """Give up the contract and its warnings, by hand, and leave the table tidy."""
    from django.db import connection

    from subscriptions.models import EventSubscription
    from tests import factories

    factories.change_model(target, handler_contracts=None)
    marked = EventSubscription.objects.filter(has_warnings=True)
    marked.update(has_warnings=False, warnings=[])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM subscriptions_eventsubscription")
        cursor.execute("CHECKPOINT")


def _revalidate(target: str, workers: list[subprocess.Popen[str]]) -> float:
    """Have `workers` do a run over the target's rows; returns the seconds."""
    from subscriptions.models import Revalidation

    run_id = _new_run(target)
    begun = time.perf_counter()
    for worker in workers:
        tell(worker, str(run_id))
    for worker in workers:
        hear(worker)
    seconds = time.perf_counter() - begun
    run = Revalidation.objects.get(pk=run_id)
    assert (run.status, run.checked) == ("success", run.total), run.status
    assert run.invalid == -(-run.checked // ONE_FAILS_OF)
    return seconds


@contextmanager
def _workers(count: int) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-c", WORKER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(count)]  # type: ignore[call-overload]
    try:
        for worker in started:
            assert hear(worker) == "ready"
        yield started
    finally:
        for worker in started:
            worker.stdin.close()
            worker.wait()


def _peak(target: str) -> float:
    """Return the most memory a fresh worker had over the target's rows, in MiB."""
    run_id = _new_run(target)
    with _workers(1) as (worker,):
        tell(worker, str(run_id))
        peak = int(hear(worker)) / 1024
    _reset(target)
    return peak


def _naive(target: str) -> float:
    """Do the same with objects of the ORM and `jsonschema`; returns rows a second."""
    import jsonschema

    from subscriptions.models import EventSubscription

    validator = jsonschema.Draft202012Validator(CONTRACT)
    begun = time.perf_counter()
    for subscription in EventSubscription.objects.filter(target_id=target)[:NAIVE_ROWS]:
        warnings = [error.message for error in validator.iter_errors(subscription.input)]
        if warnings != subscription.warnings:
            subscription.warnings, subscription.has_warnings = warnings, bool(warnings)
            subscription.save(update_fields=["warnings", "has_warnings"])
    rate = NAIVE_ROWS / (time.perf_counter() - begun)
    _reset(target)
    return rate
