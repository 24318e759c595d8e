"""Impact reports: an update writes a pending row, a worker fills it in, the version shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from subscriptions import tasks
from subscriptions.impact import reports
from subscriptions.impact.preview import check_update
from subscriptions.impact.reports import ATTEMPTS_LIMIT, fill_in
from subscriptions.models import ReportStatus, UpdateReport
from tests.subscriptions.conftest import define, link, update

pytestmark = pytest.mark.django_db

NEEDS_X = {"inference": {"input_schema": {"required": ["x"]}}}
NEEDS_Y = {"inference": {"input_schema": {"required": ["y"]}}}


@pytest.fixture
def b(make_model):
    make_model("a")
    return make_model("b")


def _report() -> UpdateReport:
    return UpdateReport.objects.get()


def _lapse() -> None:
    UpdateReport.objects.update(due_at=Now() - timedelta(seconds=1))


def _changes(api: Any, version: str) -> Any:
    answer = api.get(f"/v2/models/b/versions/{version}/changes")
    assert answer.status == 200
    return answer.body


def test_the_report_is_the_preview_and_is_shown_with_the_version(api, b):
    link("a", "b", input={"x": 1})
    broken = link("a", "b", input={})
    preview: Any = check_update(model_id="b", definition=define("b", NEEDS_X))
    preview.pop("against")
    update("b", NEEDS_X)
    fill_in(_report().pk)

    shown = _changes(api, "2")
    assert (shown["version"], shown["status"]) == ("2", "done")
    assert shown["report"] == preview
    assert shown["report"]["stale"]["total"] == 2
    (payloads,) = shown["report"]["payloads"]
    assert (payloads["checked"], payloads["invalid"]) == (2, 1)
    assert payloads["examples"][0]["subscription_id"] == str(broken.pk)


def test_until_it_is_known_it_is_pending(api, b):
    update("b", NEEDS_X)

    shown = _changes(api, "2")
    assert (shown["status"], shown["finished_at"], shown["report"]) == ("pending", None, None)


def test_an_update_that_changes_no_interface_has_no_impact(api, b):
    link("a", "b")
    update("b", None)

    assert not UpdateReport.objects.exists()
    shown = _changes(api, "2")
    assert shown["status"] == "done"
    assert shown["report"]["stale"]["total"] == 0
    assert not any(each["changes"] for each in shown["report"]["interfaces"])


def test_each_version_keeps_its_own_and_later_changes_do_not_alter_it(api, b):
    update("b", NEEDS_X)
    update("b", NEEDS_Y)
    for report in UpdateReport.objects.all():
        fill_in(report.pk)

    messages = [
        change["message"]
        for version in ("2", "3")
        for each in _changes(api, version)["report"]["interfaces"]
        if each["changes"]
        for change in each["comparison"]["changes"]
    ]
    assert messages == [
        "There was no schema, and any value was fine; now there is one.",
        'The property "y" is now required.',
        'The property "x" is no longer required.',
    ]


def test_of_several_updates_in_place_the_latest_is_shown(api, make_model):
    make_model("b", active=False)
    update("b", NEEDS_X)
    update("b", NEEDS_Y)
    for report in UpdateReport.objects.all():
        fill_in(report.pk)

    (changed,) = (each for each in _changes(api, "1")["report"]["interfaces"] if each["changes"])
    assert changed["before"] == changed["after"] == "schema"


def test_an_unknown_model_or_version_is_404(api, b):
    assert api.get("/v2/models/nobody/versions/1/changes").status == 404
    assert api.get("/v2/models/b/versions/9/changes").status == 404


@pytest.mark.django_db(transaction=True)
def test_an_update_that_is_rolled_back_leaves_none(b, monkeypatch):
    """F25: one transaction for each use case."""
    monkeypatch.setattr(reports.wakeups, "wake_reporter", _fail)
    with pytest.raises(RuntimeError):
        update("b", NEEDS_X)

    assert not UpdateReport.objects.exists()
    b.refresh_from_db()
    assert b.last_number == 1


def _fail(_: UUID) -> None:
    raise RuntimeError("The update goes wrong after its report.")


def test_a_schema_that_accepts_nothing_is_a_warning_in_the_update_too(api, b, caplog):
    update("b", {"inference": {"input_schema": {"type": "string", "enum": [1]}}})
    fill_in(_report().pk)

    (message,) = _changes(api, "2")["report"]["warnings"]
    assert message.startswith("The inference input schema can never accept anything: ")
    assert message in caplog.text


# --- Workers --------------------------------------------------------------------------------


def test_an_update_wakes_a_worker_when_it_is_committed(
    b, monkeypatch, django_capture_on_commit_callbacks
):
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.publish_report_wakeup", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        update("b", NEEDS_X)
        assert sent == []

    assert sent == [_report().pk]


def test_the_sweep_finds_one_whose_message_was_lost_and_does_not_repeat_itself(b, monkeypatch):
    """F1: the message is only a wake-up; the row says what is due."""
    sent: list[UUID] = []
    monkeypatch.setattr("subscriptions.wakeups.publish_report_wakeup", sent.append)
    update("b", NEEDS_X)
    _lapse()
    tasks.sweep_reports()
    tasks.sweep_reports()
    assert sent == [_report().pk]

    tasks.fill_in_report(str(sent[0]))
    assert _report().status == ReportStatus.DONE
    assert reports.sweep() == {"reports_waiting": 0}


def test_the_result_of_a_lost_claim_is_dropped(b, monkeypatch):
    update("b", NEEDS_X)
    preview_update = reports.preview_update

    def overtaken(**known: Any) -> Any:
        monkeypatch.setattr(reports, "preview_update", preview_update)
        assert fill_in(_report().pk) is True
        return {**preview_update(**known), "warnings": ["from the one that came late"]}

    monkeypatch.setattr(reports, "preview_update", overtaken)
    assert fill_in(_report().pk) is False

    assert _report().status == ReportStatus.DONE
    assert _report().report["warnings"] == []


def test_a_report_that_kills_every_worker_is_given_up(api, b, monkeypatch):
    """F3: attempts are counted before the risky work."""
    update("b", NEEDS_X)
    monkeypatch.setattr(reports, "preview_update", _die)
    for _ in range(ATTEMPTS_LIMIT):
        with pytest.raises(SystemExit):
            fill_in(_report().pk)
        assert _report().status == ReportStatus.PENDING
        _lapse()
    assert fill_in(_report().pk) is False

    shown = _changes(api, "2")
    assert (shown["status"], shown["report"]) == ("failed", None)
    assert reports.sweep() == {"reports_waiting": 0}


def _die(**_: Any) -> None:
    raise SystemExit
