"""The next release's migrations applied while this one works, which then goes on (F21)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from models_registry.models import Job
from tests import examples
from tests.config.test_migrations import ALLOWED
from tests.faults.effects import assert_each_effect_is_there_once
from tests.faults.outages import Load, web
from tests.faults.processes import environment, wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PATH = "/v2/models/model_price_reco_v1"
UNDO = """
    DROP TABLE IF EXISTS "t";
    DROP INDEX IF EXISTS "i";
    ALTER TABLE "models_registry_job" DROP CONSTRAINT IF EXISTS "c",
        DROP COLUMN IF EXISTS "n", DROP COLUMN IF EXISTS "m";
"""


@pytest.fixture
def next_release(db: None) -> Iterator[psycopg.Connection]:
    """A connection of the next release, which waits for a lock as long as all others do."""
    url = environment()["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=5s") as migrating:
        yield migrating
    with connection.cursor() as cursor:
        cursor.execute(UNDO)


def test_what_may_be_migrated_under_load_costs_no_request_and_this_release_goes_on(
    api, active_model, faulty, next_release, tmp_path
):
    """F21: "0 x 5xx, no request > 5 s; then run N code on the N+1 schema".

    Whoever waits for a lock for five seconds gets a 503, so there was none who did.
    """
    with web(tmp_path) as port, worker(tmp_path):
        with Load(port, f"{PATH}/versions/1/inference") as load:
            for sql in ALLOWED.values():
                _wait_for_more(load)
                for statement in filter(str.strip, sql.split(";")):
                    next_release.execute(statement)  # type: ignore[call-overload]
            _wait_for_more(load)
        assert_each_effect_is_there_once(load)
        assert set(load.statuses) == {202}

        subscription = examples.subscribe(target_model_id=examples.MODEL_ID)
        assert api.put(PATH, examples.update_model()).status == 200
        assert api.post(f"{PATH}/event-subscriptions", subscription).status == 201
        training = Job.objects.filter(job_type="training")
        wait_for(lambda: training.filter(dispatch="dispatched").exists())
        assert api.get(f"{PATH}/jobs").status == 200


def _wait_for_more(load: Load) -> None:
    before = len(load.accepted)
    wait_for(lambda: len(load.accepted) >= before + 5)
