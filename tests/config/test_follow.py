"""`manage.py jobs --follow`: jobs as they are made and change, from another process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from config.management.commands import jobs as command
from config.management.commands.jobs import JobPoller
from config.management.commands.serve import FUNCTIONS
from models_registry.models import Job, Model
from models_registry.services.completion import complete_job
from tests import examples
from tests.factories import ask_inference, ask_training
from tests.serving import OWN, ROOT, Serving

WAITING_TRAINING = """
import time
from pathlib import Path
from _callback import report

def handler(event, context):
    while not (Path(__file__).parent / "released").exists():
        time.sleep(0.05)
    report(event, status="success", output={})
"""


@contextmanager
def following(data: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    command = ["-W", "error", "manage.py", "jobs", "--follow", "--data", str(data), *options]
    run = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        yield run
        run.kill()


def test_a_job_is_followed_from_another_process_until_ctrl_c(tmp_path: Path) -> None:
    functions = Path(shutil.copytree(FUNCTIONS, tmp_path / "functions"))
    (functions / "train.py").write_text(WAITING_TRAINING)
    data = tmp_path / "data"
    with Serving(data, "--port", "0", "--functions", str(functions)) as service:
        api = service.api()
        api.post("/models", examples.create_model(), expected=201)
        work = f"/models/{examples.MODEL_ID}/versions/1/training"
        job_id = api.post(work, {}, expected=202)["training_job_id"]
        with following(data, "--json") as run:
            assert run.stdout is not None
            assert run.stderr is not None
            seen: list[Any] = []
            while not seen or seen[-1]["status"] != "started":
                seen.append(json.loads(run.stdout.readline()))
            (functions / "released").touch()
            while seen[-1]["status"] != "success":
                seen.append(json.loads(run.stdout.readline()))
            run.send_signal(signal.SIGINT)
            assert run.wait(20) == 0
            assert run.stderr.read() == ""
        assert {job["id"] for job in seen} == {job_id}
        assert seen[-1] == api.get(f"/jobs/{job_id}")


# --- What a look finds ------------------------------------------------------------------------
def _end(job: Job, **outcome: Any) -> None:
    given = {"status": "success", "output": {}, "error": None, **outcome}
    complete_job(model_id=job.model_id, version="1", job_id=job.pk, **given)


def _made_at(job: Job, seconds_ago: float) -> UUID:
    """Give a job the id it would have if it had been made so long ago; returns it."""
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    made = UUID(int=(int(moment.timestamp() * 1000) << 80) + (0x7 << 76) + (0x8 << 60))
    Job.objects.filter(pk=job.pk).update(id=made)
    return made


def test_a_look_finds_what_is_new_and_what_has_changed_once(active_model: Model) -> None:
    old = ask_training()
    poller = JobPoller(Job.objects.all())
    assert list(poller.poll()) == []
    new = ask_inference()
    assert list(poller.poll()) == [new.pk]
    _end(old)
    assert list(poller.poll()) == [old.pk]
    assert list(poller.poll()) == []


def test_an_open_job_of_long_ago_is_polled(active_model: Model) -> None:
    job = ask_training()
    job.pk = _made_at(job, 3600)
    poller = JobPoller(Job.objects.all())
    _end(job)
    assert list(poller.poll()) == [job.pk]


def test_a_job_that_was_committed_late_is_found(active_model: Model) -> None:
    poller = JobPoller(Job.objects.all())
    newer = ask_training()
    assert list(poller.poll()) == [newer.pk]
    late = _made_at(ask_inference(), 3)
    assert list(poller.poll()) == [late]
    assert list(poller.poll()) == []


def test_more_than_one_look_takes_in_is_found_by_the_next_ones(
    active_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    poller = JobPoller(Job.objects.all())
    monkeypatch.setattr(command, "NEW_LIMIT", 2)
    monkeypatch.setattr(command, "OVERLAP", timedelta(0))
    made = [ask_training().pk for _ in range(5)]
    found: list[UUID] = []
    for _ in range(20):
        found += poller.poll()
    assert found == made


def test_what_is_polled_is_bounded(
    active_model: Model, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(command, "OPEN_LIMIT", 1)
    monkeypatch.setattr(command, "OVERLAP", timedelta(0))
    older, newer = ask_training(), ask_training()
    older.pk, newer.pk = _made_at(older, 60), _made_at(newer, 30)
    poller = JobPoller(Job.objects.all())
    _end(older)
    _end(newer)
    with django_assert_num_queries(2):
        assert list(poller.poll()) == [newer.pk]


def test_a_job_that_was_deleted_is_forgotten(active_model: Model) -> None:
    ask_training()
    poller = JobPoller(Job.objects.all())
    Job.objects.all().delete()
    assert list(poller.poll()) == []
    assert list(poller.poll()) == []
