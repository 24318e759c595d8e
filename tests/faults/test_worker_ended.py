"""A worker that is told to stop ends within its time, whatever its children do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from models_registry.models import Job
from tests.factories import ask_inference
from tests.faults.processes import wait_for, worker
from tests.faults.soak.breaking import STOPS_WITHIN_SECONDS

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def test_a_worker_whose_children_stand_still_ends_within_its_time(
    active_model, faulty_lambda, tmp_path
):
    with worker(tmp_path, REMAP_SIGTERM="SIGQUIT") as running:
        job = ask_inference(features=[1])
        wait_for(lambda: Job.objects.get(pk=job.pk).status == "success")
        children = _children(running.process.pid)
        for child in children:
            os.kill(child, signal.SIGSTOP)
        begun = time.monotonic()
        running.stop(within_seconds=STOPS_WITHIN_SECONDS)

        assert time.monotonic() - begun < STOPS_WITHIN_SECONDS
        assert children
        wait_for(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children))
