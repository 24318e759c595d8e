"""The audit log: who reads it, how it is narrowed, and for how long it is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from models_registry.models import AuditEntry
from models_registry.observability.actor import Actor, ActorKind, acting
from models_registry.services.retention import prune
from tests import examples
from tests.factories import (
    make_active_model,
    make_model,
)
from tests.models_registry.auditing import last
from tests.tokens import token

MODEL = examples.MODEL_ID


def test_an_entry_as_the_api_shows_it(api):
    api.post("/v2/models", examples.create_model(id="one"), headers={"X-Request-ID": "req-1"})
    (shown,) = api.get("/v2/audit").body

    assert shown.pop("at").endswith("Z")
    assert shown.pop("id") > 0
    assert shown.pop("after")["name"] == examples.create_model()["name"]
    assert shown == {
        "action": "model.registered",
        "actor": {"kind": "client", "name": "tester", "client_id": "modelpact-embedded"},
        "model_id": "one",
        "model_version": "1",
        "job_id": None,
        "subscription_id": None,
        "before": None,
        "request_id": "req-1",
    }


def test_the_log_is_narrowed_by_each_filter_and_by_all(api):
    make_model("a")
    with acting(Actor(ActorKind.STAFF, "ann")):
        make_active_model("b")
    first, *_, newest = AuditEntry.objects.order_by("id")

    def found(query: str) -> list[tuple[str, str]]:
        return [(e["action"], e["model_id"]) for e in api.get(f"/v2/audit?{query}").body]

    registered, activated = ("model.registered", "b"), ("version.status_set", "b")
    assert found("actor=ann") == [activated, registered]
    assert found("action=version.status_set") == [activated]
    assert found("model_id=a") == [("model.registered", "a")]
    assert found("actor=ann&action=model.registered&model_id=b") == [registered]
    assert found("actor=system&model_id=b") == []
    since = newest.created_at.isoformat().replace("+00:00", "Z")
    assert found(f"since={since}") == [activated]
    assert len(found(f"until={since}")) == 2
    assert found(f"until={first.created_at.isoformat().replace('+00:00', 'Z')}") == []


@pytest.mark.parametrize(
    "query",
    [
        "action=model",
        "since=yesterday",
        "since=2026-03-01",
        "since=2026-03-01T12:00:00",
        "since=2026-13-01T12:00:00Z",
        "until=0001-01-01T00:00:00Z",
        "until=9999-12-31T23:59:59-14:00",
        "actor=%00",
        "actor=",
        f"model_id={'a' * 256}",
        "client=x",
    ],
)
def test_a_filter_that_means_nothing_is_400(api, query):
    answer = api.get(f"/v2/audit?{query}", documented=False)

    assert (answer.status, answer.body["success"]) == (400, False)


def test_only_an_admin_reads_the_log(api):
    assert api.get("/v2/audit", token=token("read_models manage_models")).status == 403
    assert api.get("/v2/audit", token=None).status == 401


def test_staff_read_the_log_in_the_admin_and_change_nothing(admin_client, active_model):
    entry = last()
    listed = admin_client.get("/admin/models_registry/auditentry/")
    page = f"/admin/models_registry/auditentry/{entry.pk}/change/"

    assert entry.action.encode() in listed.content
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"action": "x"}).status_code == 403
    assert admin_client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert AuditEntry.objects.filter(pk=entry.pk, action=entry.action).exists()


# --- For how long -----------------------------------------------------------------------------
def test_entries_go_when_they_are_too_old(settings, active_model):
    settings.AUDIT_RETENTION_DAYS = 30
    AuditEntry.objects.update(created_at=F("created_at") - timedelta(days=31))
    make_model("young")

    assert prune().counts["audit_entries"] == 2
    assert [entry.model_id for entry in AuditEntry.objects.all()] == ["young"]


def test_with_zero_days_entries_are_kept_for_ever(settings, active_model):
    settings.AUDIT_RETENTION_DAYS = 0
    AuditEntry.objects.update(created_at=F("created_at") - timedelta(days=10_000))
    prune()

    assert AuditEntry.objects.count() == 2
