"""What must be so after every fault: what was accepted is there once, and has ended well."""

from __future__ import annotations

from models_registry.models import Job
from tests.faults.outages import Load
from tests.faults.processes import wait_for

ENDED = ("success", "failure")


def assert_each_effect_is_there_once(load: Load) -> None:
    """I1, I2, I4: one job for each accepted request, no other, and each has ended well."""
    assert not load.faults
    assert len(load.accepted) > 20
    # Thousands may have waited while something was away.
    wait_for(lambda: not Job.objects.exclude(status__in=ENDED).exists(), seconds=150)
    jobs = {str(job.pk): job for job in Job.objects.all()}
    assert sorted(load.accepted.values()) == sorted(jobs)
    assert {job.input["n"]: pk for pk, job in jobs.items()} == load.accepted
    assert {job.status for job in jobs.values()} == {"success"}
