"""Whether the calls that a soak run saw are those that are promised: none twice without a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from django.db.models import F

from models_registry.models import Job
from tests.faults.soak.breaking import Breaking, Interruption
from tests.faults.soak.load import REACHED
from tests.faulty_lambda import FaultyLambda

# Of one worker: each of its processes makes one at a time.
CALLS_AT_ONCE = 2


def faults_of_calls(fake: FaultyLambda, breaking: Breaking) -> list[str]:
    """Return what was called and not counted, and what was called again and nothing explains it."""
    calls = Counter(call["event"]["job_id"] for call in fake.calls)
    counted = {
        str(pk): tries
        for pk, tries in Job.objects.values_list("pk", F("attempts") + F("throttled"))
    }
    faults = [
        f"the job {pk} was called {number} times and counts {counted.get(pk)}"
        for pk, number in calls.items()
        if number > counted.get(pk, 0)
    ]
    reached = _times_by_job(fake)
    faults += [
        f"the job {pk} was called at {_since(breaking.begun_at, times)}, and no crash explains that"
        for pk, times in reached.items()
        if not _explained(times, breaking.interruptions)
    ]
    again = sum(len(times) - 1 for times in reached.values())
    most = CALLS_AT_ONCE * len(breaking.interruptions)
    if again > most:
        faults.append(f"{again} calls were made again, for interruptions that explain {most}")
    print(f"Calls made again: {again}, of {most} that could have been interrupted")
    return faults


def _times_by_job(fake: FaultyLambda) -> dict[str, list[float]]:
    """Return when each job's calls reached the handler: what was refused never ran."""
    found: dict[str, list[float]] = {}
    for call in fake.calls:
        if call["mode"] in REACHED:
            found.setdefault(call["event"]["job_id"], []).append(call["at"])
    return found


def _since(begun_at: float, times: Sequence[float]) -> str:
    return " and ".join(f"{at - begun_at:.1f} s" for at in times)


def _explained(times: Sequence[float], interruptions: Sequence[Interruption]) -> bool:
    """Say whether an interruption of its own lies between each call and the next.

    "At most one call more for each crash": none may explain two. That which ends first is taken,
    so that what lasts longer is left for later calls.
    """
    left = sorted(interruptions, key=lambda each: each.ended_at)
    for at, again_at in pairwise(times):
        between = [each for each in left if each.ended_at >= at and each.began_at <= again_at]
        if not between:
            return False
        left.remove(between[0])
    return True
