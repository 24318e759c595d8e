"""A function that is away while thousands of jobs wait: no storm, and none is lost to it (F11)."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from models_registry.models import Job
from tests.faults.lengths import lasting
from tests.faults.processes import wait_for, worker
from tests.faulty_lambda import FaultyLambda

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PENDING = 2000
PROCESSES = 2  # of the worker
AWAY_SECONDS = lasting(120, 8)
UNAVAILABLE = (503, "ServiceException", b'{"Message": "Sorry."}')


def _most_in_a_second(times: list[float]) -> int:
    return max(sum(start <= at < start + 1 for at in times) for start in times)


def _times_by_job(faulty: FaultyLambda) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for call in faulty.calls:
        found.setdefault(call["event"]["job_id"], []).append(call["at"])
    return found


def test_two_thousand_jobs_wait_out_a_function_that_is_away_without_a_storm(
    make_pending, faulty, tmp_path
):
    """F11: "calls per second to the fake never above the cap", "drained in the expected time".

    The cap is one call a second from each process of a worker.
    """
    make_pending(PENDING)
    faulty.mode = UNAVAILABLE
    with worker(tmp_path):
        wait_for(lambda: faulty.calls)
        time.sleep(AWAY_SECONDS)
        meanwhile = list(faulty.calls)
        faulty.mode = "ok"
        wait_for(lambda: not Job.objects.exclude(dispatch="dispatched").exists(), seconds=90)

    assert _most_in_a_second([call["at"] for call in meanwhile]) <= PROCESSES
    assert len(meanwhile) >= 2 * PROCESSES  # it was tried again and again
    times = _times_by_job(faulty)
    assert len(times) == PENDING
    assert all(later - at >= 1 for each in times.values() for at, later in pairwise(each))
    # Each call but those that were refused counts: none was made twice.
    assert len(faulty.calls) == PENDING + sum(call["mode"] == 503 for call in faulty.calls)
