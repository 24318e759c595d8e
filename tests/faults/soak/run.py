"""One soak run from its stock of models to the last count."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from models_registry.models import Job, ModelVersion
from subscriptions.models import EventSubscription, Trigger
from tests import factories
from tests.faults.outages import NO_ANSWER, OwnPostgres, OwnRedis, free_port
from tests.faults.processes import wait_for
from tests.faults.soak.breaking import Breaking, Web
from tests.faults.soak.calls import faults_of_calls
from tests.faults.soak.load import SOURCE, TARGET, UPDATED, Callers, TrainingHandler
from tests.faulty_lambda import FaultyLambda

ENDED = ("success", "failure")
WORKERS = 2
# How a job may end here; anything else is a fault of ours.
FAILURES = {"deadline_exceeded", "no_data"}
# What a caller may be told: a key whose first request was cut off may still be held.
STATUSES = {NO_ANSWER, 200, 201, 202, 409, 503}


def run(
    folder: Path, postgres: OwnPostgres, redis: OwnRedis, chance: random.Random, seconds: float
) -> int:
    """Load and break for some time, wait until all is done, and return 0 if all adds up."""
    _make_models()
    port = free_port()
    public = {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
    with FaultyLambda() as fake:
        settings.LAMBDA_ENDPOINT_URL = fake.url
        web = Web(folder, port, **public)
        breaking = Breaking(
            folder,
            web=web,
            workers=WORKERS,
            postgres=postgres,
            redis=redis,
            fake=fake,
            chance=chance,
            # As deployed: a stop gives what is under way ten seconds, and hands back the rest.
            # A claim lapses with its worker, and not because a crowded machine stood still.
            worker_environment={
                **public,
                "REMAP_SIGTERM": "SIGQUIT",
                "DISPATCH_LEASE_SECONDS": "6",
            },
        )
        try:
            with TrainingHandler(fake, chance) as handler:
                with Callers(port, chance) as callers:
                    ends_at = time.monotonic() + seconds
                    while time.monotonic() < ends_at or not breaking.everything_was_broken():
                        breaking.break_something()
                close_old_connections()
                _wait_for_the_end(breaking)
        finally:
            breaking.end()
            web.kill()
    faults = [*_faults_of_requests(callers), *_faults_of_rows(), *faults_of_calls(fake, breaking)]
    _tell(callers, handler, breaking, faults)
    return 1 if faults else 0


def _make_models() -> None:
    for model_id in (SOURCE, UPDATED, TARGET):
        factories.make_active_model(model_id)
    for source, event in ((SOURCE, "inference_complete"), (UPDATED, "training_complete")):
        factories.make_subscription(
            source,
            TARGET,
            trigger_event=event,
            target_action="inference",
            input_source="stored",
            input={"features": [1]},
        )


def _wait_for_the_end(breaking: Breaking) -> None:
    """Wait until every job has ended; when that takes too long, say which and what workers do."""
    try:
        wait_for(_all_have_ended, seconds=120)
    except AssertionError:
        left = Job.objects.exclude(status__in=ENDED).order_by("due_at")
        print(f"It is {timezone.now()}; of {len(left)} open jobs the first:")
        for job in left.values("pk", "job_type", "dispatch", "due_at", "attempts", "error")[:10]:
            print(f"  {job}")
        breaking.tell_of_workers()
        raise


def _all_have_ended() -> bool:
    return not Job.objects.exclude(status__in=ENDED).exists()


def _faults_of_requests(callers: Callers) -> list[str]:
    """I4, I5: what was accepted is there once, and nothing else is."""
    faults = []
    asked = set(Job.objects.filter(model_id=SOURCE).values_list("pk", flat=True))
    if sorted(str(pk) for pk in asked) != sorted(callers.inferences):
        faults.append(f"{len(callers.inferences)} inferences were accepted, {len(asked)} are there")
    versions = list(
        ModelVersion.objects.filter(model_id=UPDATED).order_by("number").values_list("version")
    )
    made = [version for (version,) in versions]
    if sorted(made[1:]) != sorted(callers.versions):
        faults.append(f"{len(callers.versions)} updates were accepted, {len(made) - 1} are there")
    if made != [str(number + 1) for number in range(len(made))]:
        faults.append("the versions have gaps")
    trained = Counter(
        Job.objects.filter(model_id=UPDATED).values_list("version__version", flat=True)
    )
    if trained != Counter(made[1:]):
        faults.append("an update has not exactly one training job")
    if set(callers.statuses) - STATUSES:
        faults.append(f"statuses were answered that no caller should see: {callers.statuses}")
    return faults


def _faults_of_rows() -> list[str]:
    """I1 to I3: each job has ended, once, for a known reason; each event fired once."""
    faults = []
    errors = Counter(
        error["code"]
        for error in Job.objects.filter(status="failure").values_list("error", flat=True)
    )
    if set(errors) - FAILURES:
        faults.append(f"jobs failed in ways that nothing here explains: {errors}")
    if Job.objects.filter(due_at__isnull=False).exists():
        faults.append("a job that has ended is still due")
    happened = set(
        Job.objects.filter(model_id__in=[SOURCE, UPDATED], status="success").values_list(
            "pk", flat=True
        )
    )
    fired = Counter(Trigger.objects.values_list("source_job_id", flat=True))
    if set(fired) != happened or set(fired.values()) - {1}:
        faults.append(f"{len(happened)} events happened, {sum(fired.values())} fired")
    followed = set(Job.objects.filter(model_id=TARGET).values_list("pk", flat=True))
    if followed != set(Trigger.objects.values_list("job_id", flat=True)):
        faults.append("the jobs that follow are not those of the triggers")
    if EventSubscription.objects.count() != 2:
        faults.append("a subscription is gone")
    return faults


def _tell(
    callers: Callers, handler: TrainingHandler, breaking: Breaking, faults: list[str]
) -> None:
    ended = Counter(Job.objects.values_list("status", flat=True))
    print(f"Broken: {dict(breaking.done)}")
    print(f"Accepted: {len(callers.inferences)} inferences, {len(callers.versions)} updates")
    print(f"Answered: {dict(callers.statuses)}; jobs: {dict(ended)}")
    print(f"Reports that came too late: {handler.contradicted}")
    for fault in faults:
        print(f"FAULT: {fault}")
