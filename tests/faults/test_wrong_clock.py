"""A worker whose clock is wrong: what is due, and until when, is the database's to say (F16)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models_registry.models import Job
from models_registry.services.completion import complete_job
from models_registry.services.jobs import request_training
from tests.faults.processes import wait_for, worker

LIBRARY = next(iter(Path("/usr/lib").rglob("libfaketime.so.1")), None)
IN_CI = os.environ.get("CI") == "true"
# Ten minutes ahead; what measures how long something takes goes on as it does.
AHEAD = {
    "LD_PRELOAD": str(LIBRARY),
    "FAKETIME": "+10m",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DONT_RESET": "1",
}
SWEEPS_SECONDS = 3

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
    # CI installs it: there, its absence is a failure and no reason to skip. Without PostgreSQL,
    # that is the reason.
    pytest.mark.skipif(
        LIBRARY is None and not IN_CI and "DATABASE_URL" in os.environ,
        reason="needs libfaketime: install the package `faketime`",
    ),
]


def test_such_a_process_takes_it_to_be_ten_minutes_later():
    told = subprocess.check_output(
        [sys.executable, "-c", "import time; print(time.time())"], env={**os.environ, **AHEAD}
    )
    assert 590 < float(told) - time.time() < 610


def test_a_worker_ten_minutes_ahead_ends_no_job_early(model, faulty, tmp_path):
    """The deadline is five minutes away, which that clock has passed long ago."""
    job = request_training(model_id=model.pk, version="1", input={})
    with worker(tmp_path, TRAINING_DEADLINE_SECONDS="300", **AHEAD):
        wait_for(lambda: Job.objects.filter(dispatch="dispatched").exists())
        time.sleep(SWEEPS_SECONDS)
    found = Job.objects.get()

    assert (found.status, found.error) == ("started", None)
    ended = complete_job(
        model_id=model.pk, version="1", job_id=job.pk, status="success", output={}, error=None
    )
    assert ended.status == "success"


def test_a_worker_ten_minutes_ahead_takes_nobodys_claim(model, faulty, tmp_path):
    """The claim lasts four seconds by the database, and the call two."""
    faulty.mode, faulty.hang_seconds = "hang", 30.0
    job = request_training(model_id=model.pk, version="1", input={})
    with worker(tmp_path), worker(tmp_path, **AHEAD):
        wait_for(lambda: Job.objects.filter(dispatch="dispatched").exists())
        time.sleep(SWEEPS_SECONDS)

    assert faulty.calls_by_job == {str(job.pk): 1}
