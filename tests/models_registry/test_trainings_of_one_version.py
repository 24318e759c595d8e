"""Several trainings of one version: each counts as it ends, unless somebody withdrew it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from models_registry.handlers import Accepted, Answered, Failed, Retry
from models_registry.models import Job, Model, ModelVersion
from models_registry.observability.audit_log import AuditEntry
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.queue.sweeper import requeue_interrupted, sweep
from models_registry.services.completion import WITHDRAWN
from models_registry.services.reruns import retry_job
from models_registry.services.versions import set_version_status
from tests.examples import MODEL_ID
from tests.factories import ask_training, make_active_model, make_subscription

pytestmark = pytest.mark.django_db

ERROR = {"code": "lambda_function_error", "message": "No luck."}


def _begun() -> Job:
    """Ask for a training of the version and have a worker begin with it."""
    job = claim_job(ask_training().pk)
    assert job is not None
    return job


@pytest.fixture
def a(model) -> Job:
    return _begun()


@pytest.fixture
def b(a) -> Job:
    """Begun while `a` runs."""
    return _begun()


def _fail(job: Job) -> None:
    record_outcome(job, Failed(ERROR))


def _succeed(job: Job) -> Job:
    record_outcome(job, Answered({"model_path": "m"}))
    return Job.objects.get(pk=job.pk)


def _status() -> str:
    return ModelVersion.objects.get(model_id=MODEL_ID).status


def test_a_success_after_another_ones_failure_activates_the_version_and_fires(a, b):
    """API page: "A successful training job activates its version"."""
    make_active_model("target")
    make_subscription(MODEL_ID, "target", trigger_event="training_complete", input={})
    _fail(a)
    assert _status() == "failed"  # "... a failed one fails it"

    ended = _succeed(b)
    assert (_status(), ended.warnings) == ("active", [])
    assert len(ended.triggered_events) == 1


def test_one_that_is_called_again_meanwhile_counts_as_well(a, b):
    record_outcome(b, Retry(ERROR, throttled=True))
    _fail(a)
    Job.objects.filter(pk=b.pk).update(due_at=Now() - timedelta(seconds=1))
    again = claim_job(b.pk)
    assert (again.calls, _status()) == (2, "failed")

    _succeed(again)
    assert _status() == "active"


def test_when_all_have_failed_the_version_has(a, b):
    _fail(a)
    _fail(b)

    assert _status() == "failed"
    (entry,) = AuditEntry.objects.filter(action="version.failed")
    assert entry.job_id == a.pk


def test_one_started_since_the_first_seemed_stuck_counts_when_that_passes_its_deadline(a, b):
    for job in (a, b):
        record_outcome(job, Accepted("request"))
    Job.objects.filter(pk=a.pk).update(due_at=Now() - timedelta(seconds=1))
    assert sweep()["jobs_overdue"] == 1
    assert _status() == "failed"

    _succeed(b)
    assert _status() == "active"


def test_one_that_waits_moves_the_version_on_when_it_starts(a):
    waiting = ask_training()
    _fail(a)
    begun = claim_job(waiting.pk)
    assert _status() == "training"

    _succeed(begun)
    assert _status() == "active"


def test_the_retry_of_one_that_failed_while_another_ran_counts_like_any(a, b):
    _fail(a)
    repeated = claim_job(retry_job(job_id=a.pk).pk)
    _fail(b)
    assert _status() == "failed"

    _succeed(repeated)
    assert _status() == "active"


@pytest.mark.parametrize("withdrawn_first", [True, False])
def test_a_withdrawal_stands_whatever_ends_before_or_after_it(a, b, withdrawn_first):
    if not withdrawn_first:
        _fail(a)
    set_version_status(model_id=MODEL_ID, version="1", status="failed")
    if withdrawn_first:
        _fail(a)

    assert _succeed(b).warnings == [WITHDRAWN]
    assert _status() == "failed"


def test_a_version_in_use_that_one_training_failed_is_in_use_again_by_another(active_model):
    first, second = _begun(), _begun()
    _fail(first)
    assert (_status(), Model.objects.get().current_version) == ("failed", None)

    _succeed(second)
    assert (_status(), Model.objects.get().current_version.version) == ("active", "1")


def test_a_success_after_the_version_was_activated_and_withdrawn_does_not_count(a, b):
    _fail(a)
    third = _begun()
    _succeed(b)
    set_version_status(model_id=MODEL_ID, version="1", status="failed")

    assert _succeed(third).warnings == [WITHDRAWN]
    assert _status() == "failed"


def test_a_withdrawal_on_a_machine_whose_clock_is_behind_stands_too(a, b):
    _fail(a)
    set_version_status(model_id=MODEL_ID, version="1", status="failed")
    by_hand = AuditEntry.objects.filter(action="version.status_set")
    assert by_hand.update(created_at=Now() - timedelta(minutes=10)) == 1

    assert _succeed(b).warnings == [WITHDRAWN]


def test_with_manual_activation_the_success_waits_for_approval(settings, a, b):
    settings.ACTIVATION = "manual"
    _fail(a)
    assert _succeed(b).warnings == []
    assert _status() == "training"

    set_version_status(model_id=MODEL_ID, version="1", status="active")
    assert _status() == "active"


def test_of_two_that_a_dead_process_left_the_one_tried_enough_does_not_end_the_other(settings, a):
    settings.DISPATCH_MAX_ATTEMPTS = 2
    requeue_interrupted()
    claim_job(a.pk)
    other = _begun()
    assert requeue_interrupted() == 1
    assert Job.objects.get(pk=a.pk).error["code"] == "dispatch_crashed"

    _succeed(claim_job(other.pk))
    assert _status() == "active"
