"""A function that takes fewer calls than there are jobs: all are done, and few calls in vain."""

from __future__ import annotations

import pytest

from models_registry.models import Job
from tests.faults.lengths import lasting
from tests.faults.processes import wait_for, worker

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]

PENDING, CALLS_AT_MOST = 1000, 1600
CALLS_PER_SECOND = lasting(10, 50)


def test_a_thousand_jobs_for_a_function_that_is_throttled_are_all_done(
    make_pending, faulty, tmp_path
):
    """F10: "all finish, calls <= 1,600, no job fails for throttling"."""
    make_pending(PENDING)
    faulty.mode, faulty.calls_per_second = "throttled", CALLS_PER_SECOND
    with worker(tmp_path):
        seconds = 3 * PENDING / CALLS_PER_SECOND + 30
        wait_for(lambda: not Job.objects.filter(dispatch="queued").exists(), seconds=seconds)
        wait_for(lambda: not Job.objects.exclude(dispatch="dispatched").exists())

    assert Job.objects.filter(status="started").count() == PENDING
    assert set(faulty.calls_by_job) == {str(pk) for pk in Job.objects.values_list("pk", flat=True)}
    assert PENDING < len(faulty.calls) <= CALLS_AT_MOST  # so it was throttled indeed
