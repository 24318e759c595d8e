"""Dispatch: claim, record; and the sweep that finds what was left behind (F1 to F11)."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models.functions import Now

from models_registry.handlers import Accepted, Answered, Failed, Outcome, Retry, Unknown
from models_registry.models import Job, ModelVersion
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import backoff_seconds, record_outcome
from models_registry.queue.sweeper import sweep
from models_registry.services.completion import WITHDRAWN
from models_registry.services.jobs import request_inference, request_training
from models_registry.services.versions import set_version_status
from tests.at_once import at_once
from tests.factories import ask_training

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"
ERROR = {"code": "lambda_unavailable", "message": "Lambda refused the call (503)."}
TOO_MANY = {"code": "lambda_throttled", "message": "Lambda refused the call (429)."}


@pytest.fixture
def training(model) -> Job:
    return request_training(model_id=MODEL, version="1", input={})


@pytest.fixture
def claimed(training) -> Job:
    job = claim_job(training.pk)
    assert job is not None
    return job


def _stored() -> Job:
    return Job.objects.get()


def _lapse() -> None:
    Job.objects.update(due_at=Now() - timedelta(seconds=1))


def test_a_claim_counts_the_attempt_before_the_call_and_starts_the_version(claimed):
    """F3: the attempt is in the row before anything can crash."""
    job = _stored()
    assert (job.status, job.dispatch, job.attempts) == ("started", "claimed", 1)
    assert ModelVersion.objects.get().status == "training"


def test_a_claimed_job_is_not_claimed_again(claimed):
    """F6."""
    assert claim_job(claimed.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_job(training):
    """F6: one message, delivered to many."""
    claims: list[Job] = []

    def work() -> None:
        try:
            job = claim_job(training.pk)
            if job is not None:
                claims.append(job)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(claims) == 1


def test_an_accepted_event_waits_for_its_callback_until_the_deadline(claimed):
    record_outcome(claimed, Accepted("request-1"))

    job = _stored()
    assert (job.status, job.dispatch, job.error) == ("started", "dispatched", None)


def test_a_passing_fault_queues_the_job_again_and_says_why(claimed):
    record_outcome(claimed, Retry(ERROR))

    job = _stored()
    assert (job.status, job.dispatch, job.error) == ("started", "queued", ERROR)
    assert claim_job(job.pk) is None, "it is not due yet"


def test_a_retry_keeps_a_withdrawal(claimed):
    """A version that was set to failed while its training ran is not activated by that training."""
    record_outcome(claimed, Retry(ERROR))
    set_version_status(model_id=MODEL, version="1", status="failed")
    _lapse()
    again = claim_job(claimed.pk)
    assert ModelVersion.objects.get().status == "failed"

    record_outcome(again, Answered({}))
    job = _stored()
    assert (job.status, job.warnings) == ("success", [WITHDRAWN])
    assert ModelVersion.objects.get().status == "failed"


def test_a_failed_version_is_trained_again_by_another_job(claimed):
    record_outcome(claimed, Failed(ERROR))
    assert ModelVersion.objects.get().status == "failed"

    claim_job(ask_training().pk)
    assert ModelVersion.objects.get().status == "training"


def test_the_last_try_that_fails_ends_the_job(settings, training):
    """ "Retried ... at most N times, kept in the row." """
    settings.DISPATCH_MAX_ATTEMPTS = 2
    for _ in range(2):
        _lapse()
        job = claim_job(training.pk)
        record_outcome(job, Retry(ERROR))

    job = _stored()
    assert (job.status, job.attempts, job.error) == ("failure", 2, ERROR)
    assert ModelVersion.objects.get().status == "failed"


def _try(job: Job, outcome: Outcome) -> Job:
    """Have a job called once more, whenever it is due, and return how it stands then."""
    _lapse()
    record_outcome(claim_job(job.pk), outcome)
    return _stored()


def test_a_try_for_which_the_function_had_no_room_does_not_count(settings, training):
    """F10: "no job fails for throttling"."""
    settings.DISPATCH_MAX_ATTEMPTS = 2
    for _ in range(5):
        assert _try(training, Retry(TOO_MANY, throttled=True)).status == "started"
    assert _try(training, Retry(ERROR)).status == "started"

    assert _try(training, Retry(ERROR)).status == "failure"
    assert (_stored().attempts, _stored().throttled, _stored().calls) == (2, 5, 7)


def test_a_function_that_never_has_room_fails_the_job_in_the_end(settings, training):
    """ "No unbounded retry": these have a bound of their own."""
    settings.DISPATCH_MAX_THROTTLED = 3
    tries = [_try(training, Retry(TOO_MANY, throttled=True)) for _ in range(3)]

    assert [job.status for job in tries] == ["started", "started", "failure"]
    assert tries[-1].error == TOO_MANY


def test_a_crash_counts_whatever_was_throttled_before(settings, training):
    settings.DISPATCH_MAX_ATTEMPTS = 1
    _try(training, Retry(TOO_MANY, throttled=True))
    _lapse()
    claim_job(training.pk)
    _lapse()

    assert sweep()["jobs_crashed"] == 1


def test_a_lasting_fault_fails_the_job_at_once(claimed):
    record_outcome(claimed, Failed(ERROR))

    assert (_stored().status, _stored().error) == ("failure", ERROR)


def test_an_answer_is_the_output(active_model):
    job = request_inference(model_id=MODEL, version="1", input={})
    record_outcome(claim_job(job.pk), Answered({"predictions": []}))

    assert (_stored().status, _stored().output) == ("success", {"predictions": []})


def test_an_unknown_outcome_is_not_a_failure(claimed):
    """F10: after a read time-out the handler may be running; it is not called again."""
    record_outcome(claimed, Unknown(ERROR))

    assert (_stored().status, _stored().dispatch) == ("started", "dispatched")


def test_a_lapsed_claim_does_not_undo_a_newer_one(claimed):
    """F9: the failure of an attempt that was given up says nothing of the next one."""
    _lapse()
    sweep()
    newer = claim_job(claimed.pk)
    record_outcome(claimed, Failed(ERROR))
    record_outcome(claimed, Retry(ERROR))

    assert (_stored().status, _stored().claim) == ("started", newer.claim)


def test_a_late_claim_loses_against_an_answer(claimed):
    record_outcome(claimed, Answered({"model_path": "m"}))
    record_outcome(claimed, Accepted("request-1"))

    assert (_stored().status, _stored().dispatch) == ("success", "done")


def test_the_sweep_queues_a_dead_workers_job_again(claimed):
    """F3, F4."""
    assert sweep()["claims_lapsed"] == 0
    _lapse()

    assert sweep()["claims_lapsed"] == 1
    assert claim_job(claimed.pk).attempts == 2


def test_a_job_that_kills_its_worker_every_time_ends_as_a_failure(settings, training):
    """F3: no endless redelivery."""
    settings.DISPATCH_MAX_ATTEMPTS = 3
    for _ in range(3):
        assert claim_job(training.pk) is not None
        _lapse()
        findings = sweep()

    assert (findings["claims_lapsed"], findings["jobs_crashed"]) == (0, 1)
    assert (_stored().status, _stored().error["code"]) == ("failure", "dispatch_crashed")


def test_a_job_past_its_deadline_fails_and_says_so(claimed):
    record_outcome(claimed, Accepted("request-1"))
    assert sweep()["jobs_overdue"] == 0
    _lapse()

    assert sweep()["jobs_overdue"] == 1
    assert _stored().error["code"] == "deadline_exceeded"
    assert "21600 seconds" in _stored().error["message"]


def test_the_sweep_wakes_workers_for_jobs_whose_hint_was_lost(training):
    """F1, F5."""
    assert sweep()["jobs_waiting"] == 1


def test_what_the_sweep_found_stands_in_the_log(training, caplog):
    caplog.set_level("INFO")
    sweep()

    assert "sweep.found jobs_waiting=1" in caplog.messages


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_the_same_moment_put_each_job_right_once(settings, model):
    settings.DISPATCH_MAX_ATTEMPTS = 2
    jobs = [ask_training(n=n) for n in range(9)]
    for job in jobs[:6]:
        claim_job(job.pk)
    for job in jobs[6:]:
        record_outcome(claim_job(job.pk), Accepted("request"))
    Job.objects.filter(pk__in=[job.pk for job in jobs[:3]]).update(attempts=2)
    _lapse()
    found = at_once(*[sweep] * 4)

    total = {kind: sum(findings[kind] for findings in found) for kind in found[0]}
    assert (total["claims_lapsed"], total["jobs_crashed"], total["jobs_overdue"]) == (3, 3, 3)
    assert Job.objects.filter(status="failure").count() == 6
    assert Job.objects.filter(dispatch="queued").count() == 3


def test_a_claim_of_a_job_that_is_not_there_is_nothing(db):
    assert claim_job(uuid4()) is None


def test_the_back_off_has_no_end_to_its_calls(settings):
    """A function may be throttled ten thousand times, if a deployment says so."""
    assert 1 <= backoff_seconds(10_000) <= settings.DISPATCH_BACKOFF_CAP_SECONDS


def test_the_back_off_is_jittered_bounded_and_never_under_a_second(settings):
    """F11."""
    waits = [backoff_seconds(20) for _ in range(200)]

    assert all(1.0 <= wait <= settings.DISPATCH_BACKOFF_CAP_SECONDS for wait in waits)
    assert len(set(waits)) > 100
    assert max(backoff_seconds(1) for _ in range(200)) <= 4.0
