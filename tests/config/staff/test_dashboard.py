"""The dashboard: every number is the number of the list that it leads to."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from config.staff import attention, hours, paging
from config.staff.dashboard import draw_chart
from config.staff.paging import Count
from models_registry.models import Job, new_id
from subscriptions.models import EventSubscription
from subscriptions.services.subscribing import update_subscription
from tests.config.staff.rows import make_rows, make_run
from tests.factories import (
    ask_inference,
    change_model,
    make_active_model,
    make_model,
    make_subscription,
)

NUMBER = re.compile(
    r'href="([^"]+)"[^>]*>(?:(?!</a>).)*?<b data-number="([^"]+)">([^<]+)</b>', re.S
)


@pytest.fixture
def chain(db) -> list[EventSubscription]:
    """Models in a chain: one subscription is stale, one paused, one with warnings."""
    for name in "abcd":
        make_active_model(name)
    make_model("waiting")
    subscriptions = [
        make_subscription(*pair, trigger_event="training_complete", input={"features": ["x"]})
        for pair in ("ab", "bc", "cd")
    ]
    change_model("b")
    update_subscription(
        source_id="b", subscription_id=subscriptions[1].pk, changes={"status": "paused"}
    )
    EventSubscription.objects.filter(pk=subscriptions[2].pk).update(has_warnings=True)
    return subscriptions


def numbers(page: str) -> dict[str, tuple[str, str]]:
    return {
        label: (count, address.replace("&amp;", "&"))
        for address, label, count in NUMBER.findall(page)
    }


def test_every_number_is_that_of_the_list_it_leads_to(staff, chain):
    for _ in range(3):
        ask_inference("a")
    found = numbers(staff.get("/admin/").content.decode())

    assert {label: count for label, (count, _) in found.items()} == {
        "active": "4",
        "pending": "4",  # the jobs; the models of this name are looked at below
        "stale": "1",
        "with warnings": "1",
        "paused": "1",
        "success": "0",
        "failure": "0",
        "started": "0",
    }
    for label, (count, address) in found.items():
        listed = staff.get(address)
        assert str(listed.context["cl"].found) == count, label
        assert len(listed.context["cl"].result_list) == int(count), label
    assert staff.get("/admin/models_registry/model/?status__exact=pending").context["cl"].found == 1


def test_a_large_number_is_not_counted_to_its_end(staff, db, monkeypatch):
    monkeypatch.setattr(paging, "COUNT_LIMIT", 3)
    for number in range(6):
        make_active_model(f"model{number}")

    count, address = numbers(staff.get("/admin/").content.decode())["active"]

    listed = staff.get(address)
    assert (count, str(listed.context["cl"].found)) == ("3+", "3+")
    assert "3+ models" in listed.content.decode()
    assert "only the first 3 are listed" in listed.content.decode()


def test_stale_on_either_side_or_by_hand_is_found_once(chain):
    change_model("b", handler_contracts={"inference": {"input_schema": {"type": "array"}}})
    update_subscription(source_id="a", subscription_id=chain[0].pk, changes={"status": "stale"})
    handed_on = make_subscription("b", "d", input_source="trigger_output")
    change_model("b", handler_contracts={"training": {"output_schema": {"type": "array"}}})

    expected = EventSubscription.objects.with_status().filter(effective_status="stale")
    assert attention.stale_ids() == list(expected.order_by("-pk").values_list("pk", flat=True))
    assert handed_on.pk in attention.stale_ids()


def test_subscriptions_beyond_the_newest_are_not_searched_for_warnings(chain, monkeypatch):
    EventSubscription.objects.filter(pk=chain[0].pk).update(has_warnings=True)
    rows = EventSubscription.objects.all()
    assert set(attention.with_warnings(rows)) == {chain[0], chain[2]}

    monkeypatch.setattr(attention, "NEWEST_LIMIT", 2)
    assert list(attention.with_warnings(rows)) == [chain[2]]


def test_jobs_stand_in_the_hour_in_which_they_were_made(active_model):
    made = [ask_inference().pk for _ in range(3)]
    old = timezone.now() - timedelta(hours=5)
    Job.objects.filter(pk=made[0]).update(id=id_of(old))
    Job.objects.filter(pk=made[1]).update(id=id_of(old), status="failure", due_at=None)
    Job.objects.filter(pk=made[2]).update(id=id_of(old - timedelta(hours=20)))

    found = {hour.start: hour.counts for hour in hours.last_hours() if any(hour.counts.values())}

    start = old.replace(minute=0, second=0, microsecond=0)
    assert found == {start: {"success": 0, "failure": 1, "started": 0, "pending": 1}}
    assert hours.created_in(Job.objects.all(), start).count() == 2


def id_of(moment) -> UUID:
    """An id as one of that time would have been made."""
    return UUID(
        int=(hours.first_id(moment).int & ~((1 << 80) - 1)) | (new_id().int & ((1 << 80) - 1))
    )


def test_the_chart_stacks_bars_that_lead_to_their_jobs():
    start = hours.first_hour()
    counts = {"success": Count(30), "failure": Count(10), "started": Count(0)}

    chart = draw_chart([hours.Hour(start, counts)])

    success, failure = chart["hours"][0]["parts"]
    assert success["height"] == pytest.approx(3 * failure["height"], abs=0.2)
    assert failure["y"] + failure["height"] == pytest.approx(success["y"], abs=0.2)
    assert failure["url"].endswith(f"?status__exact=failure&made={start:%Y-%m-%dT%H}")


def test_an_hour_of_the_chart_leads_to_its_list(staff, active_model):
    ask_inference()
    bar = next(hour for hour in hours.last_hours() if hour.counts["pending"])

    listed = staff.get(draw_chart([bar])["hours"][0]["parts"][0]["url"])

    assert listed.context["cl"].found == bar.counts["pending"] == 1
    assert staff.get("/admin/models_registry/job/?made=nonsense").status_code == 200


def test_the_latest_failures_are_shown_with_their_reasons(staff, db):
    make_rows("The reason is here")

    assert "The reason is here" in str(staff.get("/admin/").context["failures"])


def test_progress_is_told_to_staff_only(client, staff, active_model):
    run = make_run(active_model.pk)

    assert client.get("/admin/progress/").status_code == 302
    told = staff.get("/admin/progress/").json()
    assert [(each["id"], each["checked"], each["total"]) for each in told["runs"]] == [
        (str(run.pk), 10, 100)
    ]
    make_run(active_model.pk)
    assert len(staff.get("/admin/progress/").json()["runs"]) == 2
    assert staff.get("/admin/progress/", {"run": run.pk}).json() == told
    assert staff.get("/admin/progress/", {"run": "nonsense"}).json() == {"runs": []}
