"""Who may look, who may operate, who may change: three groups, made by a migration."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from config.staff.links import act_url, list_url, page_url
from models_registry.models import Job, Model, ModelVersion
from tests.config.staff.rows import end
from tests.factories import ask_training, change_model, make_active_model

migration = importlib.import_module("config.migrations.0001_staff_groups")


@pytest.fixture
def version(db):
    make_active_model("first")
    return change_model("first")


@pytest.fixture
def failed(version):
    return end(ask_training("first"), status="failure", error={"message": "no"})


def test_the_migration_makes_three_groups_and_may_run_again(db):
    migration.make_groups(apps)
    before = Permission.objects.count()
    migration.make_groups(apps)

    granted = {
        group.name: {
            f"{permission.content_type.app_label}.{permission.codename}"
            for permission in group.permissions.select_related("content_type")
        }
        for group in Group.objects.filter(name__startswith="Modelpact")
    }
    assert granted == {name: set(names) for name, names in migration.GROUPS.items()}
    assert Permission.objects.count() == before
    assert granted["Modelpact viewers"] < granted["Modelpact operators"]
    assert granted["Modelpact operators"] < granted["Modelpact managers"]


@pytest.mark.parametrize("group", ["viewers", "operators", "managers"])
def test_every_group_may_look(log_in, failed, group):
    client = log_in(group)
    for address in ("/admin/", list_url(Model), list_url(Job), page_url(failed.version.model)):
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize(
    ("group", "retry", "train", "activate"),
    [("viewers", 403, 403, 403), ("operators", 200, 200, 403), ("managers", 200, 200, 200)],
)
def test_each_group_may_do_what_is_its_own(log_in, failed, group, retry, train, activate):
    client = log_in(group)
    version = failed.version
    addresses = {
        act_url(failed, "retry"): retry,
        act_url(version, "train"): train,
        act_url(version, "activate"): activate,
    }
    assert {each: client.get(each).status_code for each in addresses} == addresses
    if activate == 403:
        assert client.post(act_url(version, "activate")).status_code == 403


def test_a_viewer_is_offered_no_action_and_no_page_of_others(log_in, failed):
    client = log_in("viewers")

    page = client.get(page_url(failed.version.model)).content.decode()
    assert "/act/" not in page
    assert "/admin/auth/user/" not in page
    assert client.get("/admin/auth/user/").status_code == 403


def test_staff_without_a_group_see_an_empty_first_page(log_in, version):
    client = log_in("viewers")
    Group.objects.get(name="Modelpact viewers").permissions.clear()

    page = client.get("/admin/")
    assert page.status_code == 200
    assert "data-number" not in page.content.decode()
    assert client.get("/admin/progress/").json() == {"runs": []}
    assert client.get(page_url(version)).status_code == 403
    assert client.get(list_url(ModelVersion)).status_code == 403
