"""Retention (H29): what is old goes, in small batches; what is still needed stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from models_registry import tasks
from models_registry.handlers import Answered, Failed
from models_registry.models import IdempotencyRecord, Job
from models_registry.observability.audit_log import AuditEntry
from models_registry.queue.claim import claim_job
from models_registry.queue.outcomes import record_outcome
from models_registry.services import retention
from models_registry.services.retention import prune
from tests.at_once import at_once
from tests.factories import ask_inference, ask_training, change_model, make_active_model

pytestmark = pytest.mark.django_db

MODEL = "model_price_reco_v1"
ERROR = {"code": "no_luck", "message": "No luck."}


def _ended(job: Job, outcome=None) -> Job:
    claimed = claim_job(job.pk)
    assert claimed is not None
    record_outcome(claimed, outcome or Answered({}))
    return job


def _age(*, days: float) -> None:
    """Let time go by for all that there is."""
    ago = timedelta(days=days)
    Job.objects.update(created_at=F("created_at") - ago)
    Job.objects.filter(due_at=None).update(completed_at=F("completed_at") - ago)
    IdempotencyRecord.objects.update(created_at=F("created_at") - ago)


def _kept() -> set:
    return set(Job.objects.values_list("pk", flat=True))


def test_jobs_are_deleted_the_set_time_after_their_end(settings, active_model):
    settings.JOB_RETENTION_DAYS = 7
    old, failed = _ended(ask_inference()), _ended(ask_inference(), Failed(ERROR))
    _age(days=6)
    assert prune().counts["jobs"] == 0
    _age(days=2)
    young = _ended(ask_inference())

    assert prune().counts["jobs"] == 2
    assert _kept() == {young.pk}
    assert {old.pk, failed.pk}.isdisjoint(_kept())


def test_it_is_the_end_that_counts_and_a_job_that_has_not_ended_stays(active_model):
    waiting, started, late = ask_inference(), ask_inference(), ask_inference()
    claimed = claim_job(started.pk)
    _age(days=1000)
    _ended(late)

    prune()
    assert _kept() == {waiting.pk, started.pk, late.pk}
    record_outcome(claimed, Answered({}))
    assert Job.objects.get(pk=started.pk).status == "success"


def test_with_zero_days_jobs_are_kept_for_ever(settings, active_model):
    settings.JOB_RETENTION_DAYS = 0
    _ended(ask_inference())
    _age(days=100_000)

    assert "jobs" not in prune().counts
    assert Job.objects.count() == 1


def test_the_latest_training_by_hand_stays_for_the_automatic_ones(active_model):
    """Its input is theirs, however long ago it was."""
    _ended(ask_training(data_path="old"))
    latest = _ended(ask_training(data_path="latest"), Failed(ERROR))
    make_active_model("other")
    of_another = _ended(ask_training("other"), Failed(ERROR))
    _age(days=1000)
    prune()

    # The old one stays as well, as the latest that succeeded.
    assert {latest.pk, of_another.pk} < _kept()
    version = change_model()
    assert Job.objects.get(version=version).input == {"data_path": "latest"}


def test_a_versions_latest_success_of_training_stays_for_its_activation(active_model):
    """An activation by hand hands on what it gave."""
    jobs = [_ended(ask_training(n=n), Answered({"n": n})) for n in range(3)]
    _age(days=1000)
    prune()

    assert _kept() == {jobs[2].pk}


def test_old_answers_to_idempotency_keys_are_forgotten(settings, api, active_model):
    path = f"/v2/models/{MODEL}/versions/1/inference"
    api.post(path, {"input": {}}, headers={"Idempotency-Key": "k"})
    _age(days=0.9)
    assert prune().counts["idempotency_records"] == 0
    _age(days=0.2)

    assert prune().counts["idempotency_records"] == 1
    assert not IdempotencyRecord.objects.exists()


@pytest.fixture
def batches_of_two(monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 2)


def test_it_goes_on_batch_by_batch_past_what_stays(active_model, batches_of_two):
    stay = [ask_inference() for _ in range(3)]
    for _ in range(5):
        _ended(ask_inference())
    _age(days=1000)
    young = _ended(ask_inference())

    assert prune().counts["jobs"] == 5
    assert _kept() == {*(job.pk for job in stay), young.pk}


def test_when_time_runs_out_the_rest_is_handed_on(active_model, batches_of_two, monkeypatch):
    for _ in range(5):
        _ended(ask_inference())
    _age(days=1000)
    messages: list = []
    monkeypatch.setattr(
        "models_registry.queue.wakeups.publish", lambda task, *args: messages.append(task)
    )
    assert not prune(seconds=0).is_done
    assert Job.objects.count() == 5

    tasks.prune()
    assert messages == []
    monkeypatch.setattr(retention, "prune", lambda: retention.Pruned(is_done=False))
    tasks.prune()
    assert messages == [tasks.prune.name]


def test_where_nothing_is_old_one_look_at_each_kind_says_so(
    active_model, django_assert_max_num_queries
):
    for _ in range(10):
        _ended(ask_inference())
    with django_assert_max_num_queries(3 * len(retention.KINDS)):
        prune()


@pytest.mark.django_db(transaction=True)
def test_processes_that_delete_at_the_same_moment_delete_each_row_once(
    active_model, batches_of_two
):
    for _ in range(12):
        _ended(ask_inference())
    _age(days=1000)
    found = at_once(*[prune] * 4)

    # What one had under its hands another passed over, and the next round finds it.
    assert sum(pruned.counts["jobs"] for pruned in found) + prune().counts["jobs"] == 12
    assert not Job.objects.exists()


def test_audit_entries_go_by_an_age_of_their_own(settings, model):
    settings.AUDIT_RETENTION_DAYS = 10
    (entry,) = AuditEntry.objects.all()
    prune()
    assert AuditEntry.objects.filter(pk=entry.pk).exists()

    AuditEntry.objects.update(created_at=timezone.now() - timedelta(days=11))
    assert prune().counts["audit_entries"] == 1
    assert not AuditEntry.objects.exists()
