"""`manage.py retry`, `cancel` and `sweep`: thin, for people and for scripts."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now

from models_registry.models import Job
from models_registry.queue.claim import claim_job
from models_registry.services.reruns import cancel_job
from tests.contract.operations import NOBODY
from tests.factories import ask_inference

pytestmark = pytest.mark.django_db


def _run(command: str, *arguments: Any) -> tuple[int, str]:
    """Return the exit status and what was printed."""
    out = StringIO()
    try:
        call_command(command, *map(str, arguments), stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_retry_records_a_new_job_for_each_failed_one(active_model):
    failed = [cancel_job(job_id=ask_inference().pk) for _ in range(2)]
    status, printed = _run("retry", *(job.pk for job in failed), "--json")

    assert status == 0
    for outcome, job in zip(json.loads(printed), failed, strict=True):
        retry = Job.objects.get(retry_of=job.pk)
        assert outcome == {"job_id": str(job.pk), "done": True, "result": f"as {retry.pk}"}


def test_what_can_not_be_retried_is_said_and_the_rest_is_done(active_model):
    waiting, failed = ask_inference(), cancel_job(job_id=ask_inference().pk)
    status, printed = _run("retry", waiting.pk, NOBODY, failed.pk)

    assert status == 1
    header, first, second, third = printed.splitlines()
    assert header.split() == ["JOB", "RETRIED", "RESULT"]
    assert first.rstrip() == f"{waiting.pk}  no       Only a job that failed can be retried."
    assert second.rstrip() == f"{NOBODY}  no       There is no such job here."
    assert third.startswith(f"{failed.pk}  yes      as ")


def test_a_job_named_twice_is_retried_once(active_model):
    failed = cancel_job(job_id=ask_inference().pk)
    _run("retry", failed.pk, failed.pk)

    assert Job.objects.filter(retry_of=failed.pk).count() == 1


def test_cancel_ends_what_is_pending_and_refuses_what_has_started(active_model):
    pending, started = ask_inference(), ask_inference()
    claim_job(started.pk)
    status, printed = _run("cancel", pending.pk, started.pk, "--json")

    assert status == 1
    assert [outcome["done"] for outcome in json.loads(printed)] == [True, False]
    assert Job.objects.get(pk=pending.pk).error["code"] == "cancelled"
    assert Job.objects.get(pk=started.pk).status == "started"


@pytest.mark.parametrize("command", ["retry", "cancel"])
def test_what_is_no_id_is_refused_before_anything_is_done(active_model, command):
    job = ask_inference()
    with pytest.raises(CommandError, match="JOB"):
        _run(command, job.pk, "nonsense")

    assert Job.objects.get().status == "pending"


def test_sweep_puts_right_what_was_left_behind_and_says_what(active_model):
    claim_job(ask_inference().pk)
    Job.objects.update(due_at=Now() - timedelta(seconds=1))
    status, printed = _run("sweep", "--json")

    assert status == 0
    assert json.loads(printed) == {
        "jobs_waiting": 0,
        "retries_due": 1,
        "claims_lapsed": 1,
        "jobs_crashed": 0,
        "jobs_overdue": 0,
        "runs_waiting": 0,
        "runs_abandoned": 0,
        "runs_failed": 0,
        "reports_waiting": 0,
    }
    assert Job.objects.get().dispatch == "queued"


def test_sweep_with_retention_deletes_what_is_too_old(active_model):
    cancel_job(job_id=ask_inference().pk)
    ago = timedelta(days=91)
    Job.objects.update(created_at=F("created_at") - ago, completed_at=F("completed_at") - ago)
    status, printed = _run("sweep", "--retention")

    assert status == 0
    assert ["jobs", "1"] in [line.split() for line in printed.splitlines()]
    assert not Job.objects.exists()
