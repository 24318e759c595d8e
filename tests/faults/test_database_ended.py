"""PostgreSQL itself restarted, and then killed as by a power cut, under load (F3, F4, F12)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from tests import examples
from tests.benchmarks.places import postgres_binaries
from tests.faults.effects import ENDED
from tests.faults.outages import Load, OwnPostgres, ask, web
from tests.faults.processes import environment, wait_for, worker

MODEL = f"/v2/models/{examples.MODEL_ID}"
INTERRUPTIONS = 2
IN_CI = os.environ.get("CI") == "true"


def _has_programs() -> bool:
    try:
        return bool(postgres_binaries())
    except SystemExit:
        return False


pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    # CI installs them: there, their absence is a failure and no reason to skip.
    pytest.mark.skipif(not IN_CI and not _has_programs(), reason="needs PostgreSQL's programs"),
]

Read = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A server of the test's own, with the tables of the service."""
    # Not where pytest keeps its own: the server's account can't get there.
    with TemporaryDirectory(prefix="modelpact-postgres-") as folder:
        Path(folder).chmod(0o755)
        server = OwnPostgres(Path(folder))
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            env=environment(DATABASE_URL=server.url),
            check=True,
            timeout=120,
        )
        yield server
        server.stop(as_by_a_power_cut=True)


@pytest.fixture
def read(own_postgres) -> Read:
    def read(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(own_postgres.url, connect_timeout=5) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]

    return read


def _make_active_model(port: int) -> None:
    assert ask(port, "POST", "/v2/models", examples.create_model(id=examples.MODEL_ID))[0] == 201
    status = {"status": "active"}
    assert ask(port, "POST", f"{MODEL}/versions/1/new_status", status)[0] == 200


def test_what_was_accepted_outlives_the_database_and_is_done_once(
    own_postgres, read, faulty, tmp_path
):
    """F12, I1, I2, I4: accepted is committed to disk; a claim that was cut off lapses (F3, F4)."""
    elsewhere = {
        "DATABASE_URL": own_postgres.url,
        "REMAP_SIGTERM": "SIGQUIT",
        "DISPATCH_LEASE_SECONDS": "20",
    }
    with web(tmp_path, **elsewhere) as port, worker(tmp_path, **elsewhere):
        _make_active_model(port)
        with Load(port, f"{MODEL}/versions/1/inference") as load:
            for power_cut in (False, True):
                _wait_for_another(load)
                own_postgres.stop(as_by_a_power_cut=power_cut)
                _wait_for_a_refusal(load)
                own_postgres.start()
            _wait_for_another(load)
        open_jobs = f"SELECT 1 FROM models_registry_job WHERE status NOT IN {ENDED}"
        wait_for(lambda: not read(open_jobs), seconds=60)

    assert not load.faults
    assert set(load.statuses) == {202, 503}
    jobs = read("SELECT id::text, status, input::json ->> 'n', attempts FROM models_registry_job")
    assert {key: job_id for job_id, _, key, _ in jobs} == load.accepted
    assert len(jobs) == len(load.accepted)
    assert {status for _, status, _, _ in jobs} == {"success"}
    calls = faulty.calls_by_job
    assert set(calls) == {job_id for job_id, _, _, _ in jobs}
    # Each try was counted before it was made. Its claim may be cut off before the call, but what
    # was called is recorded once the database is back.
    assert all(tries <= 1 + INTERRUPTIONS for _, _, _, tries in jobs)
    assert set(calls.values()) == {1}


def _wait_for_another(load: Load) -> None:
    """Wait until something new was asked for and accepted."""
    before = len(load.accepted)
    wait_for(lambda: len(load.accepted) > before + 5)


def _wait_for_a_refusal(load: Load) -> None:
    """Wait until a caller has met the outage: a restart may be over before any of them asks."""
    before = load.statuses[503]
    wait_for(lambda: load.statuses[503] > before)
