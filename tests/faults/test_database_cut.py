"""The connection to PostgreSQL cut: exactly at a COMMIT, and for a while under load (F12)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connection

from models_registry.models import Job, ModelVersion
from models_registry.services.jobs import request_inference
from tests import examples
from tests.faults.effects import assert_each_effect_is_there_once
from tests.faults.outages import Load, ask, web
from tests.faults.processes import environment, wait_for, worker
from tests.faults.proxy import Moment, Proxy

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PATH = "/v2/models/model_price_reco_v1"
KEY = {"Idempotency-Key": "the-one"}
AWAY_SECONDS, BACK_WITHIN_SECONDS = 10, 15
AWAY_AT_THE_END_SECONDS = 4


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    database = connection.settings_dict
    with closing(Proxy(database["HOST"], int(database["PORT"] or 5432))) as between:
        yield between


@pytest.fixture
def through(proxy) -> dict[str, str]:
    """What a process needs in its environment to reach the database through the proxy."""
    direct = environment()["DATABASE_URL"]
    account, _, place = direct.rpartition("@")
    return {"DATABASE_URL": f"{account}@127.0.0.1:{proxy.port}/{place.rpartition('/')[2]}"}


def _versions() -> list[str]:
    return list(ModelVersion.objects.order_by("number").values_list("version", flat=True))


def _update(port: int) -> tuple[int, Any]:
    return ask(port, "PUT", PATH, examples.update_model(), **KEY)


@pytest.mark.parametrize(
    ("moment", "made"), [(Moment.ON_THE_WAY, ["1"]), (Moment.DONE, ["1", "2"])]
)
def test_an_update_that_lost_its_commit_is_there_once_when_it_is_repeated(
    active_model, proxy, through, tmp_path, moment, made
):
    """F12: "client repeats with the same Idempotency-Key: one new version, not two"."""
    with web(tmp_path, **through) as port:
        proxy.cut_at_commit(moment)
        status, answer = _update(port)
        assert (status, answer["success"]) == (503, False)
        assert proxy.has_cut.is_set()
        assert _versions() == made

        # Until the server has noticed, the first one still holds the key.
        answers = wait_for(lambda: [found] if (found := _update(port))[0] == 200 else None)
    assert [answer["version"]["version"] for _, answer in answers] == ["2"]
    assert _versions() == ["1", "2"]
    assert Job.objects.count() == 1


def test_a_database_that_is_away_for_a_while_costs_503s_and_all_recover_by_themselves(
    active_model, faulty, proxy, through, tmp_path
):
    """F12: "only 2xx/503; afterwards all processes recover by themselves in 15 s"."""
    with web(tmp_path, **through) as port, worker(tmp_path, **through):
        with Load(port, f"{PATH}/versions/1/inference") as load:
            wait_for(lambda: Job.objects.filter(status="success").exists())
            proxy.take_away()
            time.sleep(AWAY_SECONDS)
            before = set(load.accepted.values())
            proxy.bring_back()
            wait_for(lambda: _new_success(before), seconds=BACK_WITHIN_SECONDS)
        assert_each_effect_is_there_once(load)
    assert set(load.statuses) == {202, 503}


def test_a_database_that_is_away_when_a_call_ends_costs_no_second_call(
    active_model, faulty, proxy, through, tmp_path
):
    """F12, I4: the worker keeps the outcome until it can be recorded."""
    faulty.mode, faulty.hang_seconds = "late", 1.0
    job = request_inference(model_id=active_model.pk, version="1", input={"features": [1]})
    with worker(tmp_path, **through, DISPATCH_LEASE_SECONDS="20"):
        wait_for(lambda: faulty.calls)
        proxy.take_away()
        time.sleep(AWAY_AT_THE_END_SECONDS)
        assert Job.objects.get().status == "started"
        proxy.bring_back()
        # Well before the claim lapses, after which another worker would make the call again.
        wait_for(lambda: Job.objects.filter(status="success").exists(), seconds=10)

    assert faulty.calls_by_job == {str(job.pk): 1}
    assert Job.objects.get().attempts == 1


def _new_success(before: set[str]) -> bool:
    return Job.objects.filter(status="success").exclude(pk__in=before).exists()
