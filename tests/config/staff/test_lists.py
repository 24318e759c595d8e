"""Every page asks the database as often for fifty rows as for three, and counts no whole table."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.staff import paging
from config.staff.links import act_url, list_url, page_url
from models_registry.models import Job, Model, ModelVersion
from subscriptions.models import EventSubscription, Revalidation, Trigger
from subscriptions.services.firing import Fact, fire
from tests.config.staff.rows import make_run
from tests.factories import ask_inference, change_model, make_active_model, make_subscription

# What the page of a table may ask for in all: session, user, rights, and its own few questions.
LIMITS = {
    "/admin/": 14,
    "/admin/progress/": 5,
    "/admin/chains/": 7,
    "/admin/chains/?model_id=source&depth=3": 10,
    list_url(Model): 8,
    list_url(ModelVersion): 8,
    list_url(Job): 8,
    list_url(Job, status__exact="pending", made="day"): 8,
    list_url(EventSubscription): 8,
    list_url(EventSubscription, which="stale"): 9,
    list_url(EventSubscription, which="warnings"): 9,
    list_url(Trigger): 8,
    list_url(Revalidation): 8,
    list_url(EventSubscription, target__id__exact="source"): 10,
    "/admin/models_registry/model/source/change/": 19,
    "/admin/models_registry/model/source/compare/?old=1&new=2": 10,
}


def grow(count: int) -> None:
    """Make so many of everything, around one model."""
    for number in range(Model.objects.count(), Model.objects.count() + count):
        target = make_active_model(f"target{number}")
        make_subscription(
            "source", target.pk, trigger_event="inference_complete", input={"n": number}
        )
        make_subscription(target.pk, "source", trigger_event="training_complete", input={"n": 1})
        job = ask_inference("source", n=number)
        fire(Fact(f"job:{job.pk}", "source", "inference_complete", job))
        make_run("source")
    for _ in range(min(count, 20)):
        change_model("source", handler_contracts=None)


@pytest.fixture
def asked(staff):
    """How many queries a page asks; once before, what is cached for good is asked for."""

    def count(address: str) -> int:
        staff.get(address)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert staff.get(address).status_code == 200
        return len(queries)

    return count


def test_every_page_asks_as_often_for_fifty_rows_as_for_three(asked, db):
    make_active_model("source")
    grow(3)
    few = {address: asked(address) for address in LIMITS}
    grow(47)
    many = {address: asked(address) for address in LIMITS}

    assert many == few
    assert {address: count for address, count in many.items() if count > LIMITS[address]} == {}


def every_page() -> list[str]:
    """Return each table's list, the page of its oldest row, and what each action of it asks."""
    pages = ["/admin/password_change/", "/admin/auth/user/add/"]
    for table, shown in admin.site._registry.items():
        row = table.objects.order_by("pk").first()
        pages += [list_url(table), page_url(row)]
        pages += [act_url(row, action.name) for action in getattr(shown, "staff_actions", ())]
    job = Job.objects.order_by("pk").first()
    return [*pages, page_url(job).replace("change", "state")]


def test_every_page_there_is_asks_a_bounded_number_of_times(asked, staff, db):
    make_active_model("source")
    grow(3)
    staff.post(act_url(Job.objects.first(), "cancel"))  # which leaves an entry in both logs
    pages = every_page()
    few = {address: asked(address) for address in pages}
    grow(30)

    assert {address: asked(address) for address in pages} == few
    assert {address: count for address, count in few.items() if count > 20} == {}


@pytest.mark.parametrize("table", admin.site._registry, ids=lambda table: table.__name__)
def test_no_list_reads_a_payload_or_a_contract(staff, db, table):
    """They may be megabytes each, and a page shows fifty rows."""
    make_active_model("source")
    grow(3)

    with CaptureQueriesContext(connection) as queries:
        staff.get(list_url(table))

    large = "input output handlers handler_contracts metadata schema before after"
    read = [name for name in large.split() if any(f'"{name}"' in each["sql"] for each in queries)]
    assert read == []


@pytest.mark.parametrize("table", admin.site._registry, ids=lambda table: table.__name__)
def test_no_list_counts_a_whole_table_or_sorts_by_any_column(table):
    page = admin.site._registry[table]

    assert page.show_full_result_count is False
    assert page.paginator is paging.BoundedPaginator
    assert page.sortable_by == ()


def test_every_count_stops_at_the_limit(staff, active_model):
    with CaptureQueriesContext(connection) as queries:
        staff.get("/admin/")
        for table in (Model, Job, EventSubscription):
            staff.get(list_url(table))

    counts = [each["sql"] for each in queries if "COUNT(" in each["sql"]]
    assert len(counts) >= 6
    assert [sql for sql in counts if f"LIMIT {paging.COUNT_LIMIT + 1}" not in sql] == []


@pytest.mark.parametrize(
    ("table", "words", "found"),
    [(Model, "sou", 1), (Model, "ource", 0), (ModelVersion, "source", 1), (Job, "source", 1),
     (EventSubscription, "source", 1), (Job, "'; --", 0), (Trigger, "nonsense", 0)],
)  # fmt: skip
def test_searching_finds_by_what_an_index_knows(staff, active_model, table, words, found):
    make_active_model("source")
    make_subscription("source", active_model.pk)
    ask_inference("source")

    assert staff.get(list_url(table, q=words)).context["cl"].found == found


def test_a_row_is_found_by_its_id(staff, active_model):
    job = ask_inference()
    ask_inference()
    subscription = make_subscription(active_model.pk, make_active_model("other").pk)

    assert staff.get(list_url(Job, q=str(job.pk))).context["cl"].result_list[0] == job
    assert staff.get(list_url(EventSubscription, q=str(subscription.pk))).context["cl"].found == 1
    assert staff.get(list_url(Trigger, q=str(subscription.pk))).context["cl"].found == 0


def test_a_long_list_is_paged(staff, db):
    for number in range(51):
        make_active_model(f"model{number:02}")

    first, second = staff.get(list_url(Model)), staff.get(list_url(Model), {"p": 2})

    assert 'rel="next" href="?p=2"' in first.content.decode()
    assert 'rel="prev" href="?p=1"' in second.content.decode()
    assert len(second.context["cl"].result_list) == 1


def test_an_empty_list_says_whether_anything_was_looked_for(staff, db):
    empty, sought = staff.get(list_url(Model)), staff.get(list_url(Model, q="gone"))

    assert "No rows yet." in empty.content.decode()
    assert "No results." in sought.content.decode()
    assert "Create" not in empty.content.decode()
