"""The audit log: who made a change."""

from __future__ import annotations

import pytest

from models_registry.handlers.callbacks import make_callback_token
from models_registry.models import AuditEntry, Job
from models_registry.observability.actor import WORKER, Actor, ActorKind, acting, present_actor
from tests import examples
from tests.factories import (
    ask_inference,
    ask_training,
    make_model,
)
from tests.models_registry.auditing import last
from tests.tokens import token

MODEL = examples.MODEL_ID


def test_a_machine_is_named_by_its_subject_and_client(forgotten, api):
    api.post(
        f"/v2/models/{MODEL}/versions/1/training",
        {},
        token=token("run_training", sub="trainer"),
    )

    entry = last()
    assert (entry.actor_kind, entry.actor, entry.client_id) == (
        "client",
        "trainer",
        "modelpact-embedded",
    )


def test_a_job_that_calls_back_is_named_by_its_id_and_its_token_is_not_kept(forgotten, api):
    job = ask_inference()
    secret = make_callback_token(job.pk)
    path = f"/v2/models/{MODEL}/versions/1/jobs/{job.pk}/complete"
    error = {"code": "leaky", "message": f"called with {secret}"}
    answer = api.post(path, {"status": "failure", "error": error}, token=secret)

    assert answer.status == 200
    assert (last().actor_kind, last().actor) == ("job", str(job.pk))
    assert "mpjob_" not in str(list(AuditEntry.objects.values()))


def test_a_person_is_named_as_one(forgotten, api):
    api.delete(f"/v2/models/{MODEL}", token=token("", human=True, groups=["admin"], sub="ann"))

    assert (last().actor_kind, last().actor) == ("person", "ann")


def test_whoever_acted_before_is_not_left_to_the_next_request(forgotten, api):
    api.get("/v2/models")
    make_model("by-nobody")

    assert present_actor().kind == "system"
    assert last().actor_kind == "system"


def test_a_worker_that_ends_a_training_is_named_as_one(forgotten):
    from models_registry import tasks

    job = ask_training()
    Job.objects.filter(pk=job.pk).update(
        status="started", dispatch="dispatched", due_at=job.created_at
    )
    tasks.sweep.apply().get()

    assert last().action == "version.failed"
    assert (last().actor_kind, last().actor) == ("worker", "worker")


def test_acting_is_undone_whatever_happens_inside():
    with pytest.raises(RuntimeError), acting(Actor(ActorKind.STAFF, "ann")), acting(WORKER):
        raise RuntimeError
    assert present_actor().kind == "system"
