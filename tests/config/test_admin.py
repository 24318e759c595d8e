"""The admin: staff read and search every table, and change none of them past the services."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from models_registry.models import Job, Model, ModelVersion
from models_registry.services.jobs import request_training
from subscriptions.models import EventSubscription, Revalidation, Trigger
from subscriptions.services.firing import Fact, fire
from tests.factories import change_model, make_active_model, make_subscription

OURS = (Model, ModelVersion, Job, EventSubscription, Trigger, Revalidation)
SCRIPT = "</script><script>alert(1)</script>"


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("staff", password="not a secret"))
    return client


@pytest.fixture
def rows(db: None) -> None:
    """A row of each table, with a script wherever a caller may write text."""
    model = make_active_model(name=SCRIPT, description=SCRIPT, metadata={SCRIPT: SCRIPT})
    make_active_model("other")
    make_subscription("other", model.pk, trigger_event="inference_complete", input={SCRIPT: SCRIPT})
    job = request_training(model_id="other", version="1", input={SCRIPT: SCRIPT})
    fire(Fact("job:1", "other", "inference_complete", job))
    change_model(handler_contracts={"inference": {"input_schema": {"title": SCRIPT}}})


def _path(model: type, page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_staff_can_list_search_and_read_every_table(staff, rows, model):
    row = model.objects.order_by("pk").last()

    for page in ("", "?q=model_price_reco_v1", f"{row.pk}/change/"):
        response = staff.get(_path(model, page))
        assert response.status_code == 200
        assert SCRIPT not in response.content.decode(), "H20: what callers write is never HTML"


@pytest.mark.parametrize("query", ["q=%00", "status__exact=%00", "model_id=%00", "%00=1", "p=%00"])
def test_what_postgresql_can_not_hold_is_400_on_every_page(staff, rows, query):
    """H4: not a 500 of a list that would filter by it."""
    for path in ("/admin/", *(_path(model) for model in OURS)):
        assert staff.get(f"{path}?{query}").status_code == 400


@pytest.mark.parametrize("page", ["%00/change/", "1%00/history/", "a%00b/delete/"])
def test_nor_is_it_looked_for_by_a_path_that_holds_it(staff, db, page):
    """H4."""
    for model in OURS:
        assert staff.get(_path(model, page)).status_code == 400


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_nothing_is_added_changed_or_deleted_past_the_services(staff, rows, model):
    """H20: also by a crafted POST."""
    before = list(model.objects.order_by("pk").values())
    row = model.objects.order_by("pk").last()

    for page in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert (
            staff.post(_path(model, page), {"status": "active", "post": "yes"}).status_code == 403
        )
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_list_counts_no_whole_table_twice_and_asks_nothing_for_each_row(
    staff, rows, model, django_assert_max_num_queries
):
    assert admin.site._registry[model].show_full_result_count is False
    with django_assert_max_num_queries(8):
        staff.get(_path(model))


def test_the_admin_is_closed_to_everybody_else(db):
    response = Client().get(_path(Model))

    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")


def test_a_session_opens_no_door_of_the_api(staff, rows):
    """H21: the API takes a bearer token and nothing else."""
    assert staff.get("/v2/models").status_code == 401
