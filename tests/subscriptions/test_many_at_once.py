"""Many callers at the same few rows, on PostgreSQL with real threads (F13, F27)."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from models_registry.errors import DomainError
from models_registry.models import Job, ModelVersion
from models_registry.services.versions import set_version_status
from subscriptions.models import EventSubscription, Trigger
from subscriptions.services.subscribing import unsubscribe, update_subscription
from tests.subscriptions.conftest import link, update

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

CALLERS = 8
CONTRACTS: list[Any] = [
    None,
    {"inference": {"input_schema": {"required": ["x"]}}},
    {"inference": {"output_schema": {"required": ["y"]}}},
]


def _in_threads(function: Callable[[int], Any], count: int) -> list[Any]:
    def run(number: int) -> Any:
        try:
            return function(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(run, range(count)))


def _subscribe_or_change(number: int) -> str:
    """Do one thing of many between the models `a` and `b`; returns the name of a refusal."""
    chance = random.Random(number)
    source, target = chance.sample(["a", "b"], 2)
    try:
        _one_thing(chance, source, target)
    except DomainError as error:
        return type(error).__name__
    return ""


def _one_thing(chance: random.Random, source: str, target: str) -> None:
    found = EventSubscription.objects.filter(source=source).order_by("?").first()
    what = chance.randrange(5)
    if what <= 1 or found is None:
        handed_on = {"input_source": "trigger_output"} if chance.random() < 0.5 else {}
        link(source, target, **handed_on)
    elif what == 2:
        status = chance.choice(["active", "paused"])
        update_subscription(source_id=source, subscription_id=found.pk, changes={"status": status})
    elif what == 3:
        update(target, chance.choice(CONTRACTS))
    else:
        unsubscribe(source_id=source, subscription_id=found.pk)


def test_changes_in_both_directions_between_two_models_end_in_no_deadlock(make_model):
    """F13: "200 parallel random pairs ... in both directions: 0 x 500"."""
    make_model("a")
    make_model("b")
    refusals = set(_in_threads(_subscribe_or_change, 200))

    # Loops are refused, and a subscription may be gone by the time it is reached: nothing else.
    assert refusals <= {"", "LoopClosed", "SubscriptionNotFound"}
    directions = EventSubscription.objects.exclude(state="paused").values_list("source_id")
    assert len(set(directions)) <= 1


def test_many_who_activate_a_version_at_once_fire_one_event(make_model):
    """F27: "20 parallel `active` calls: one event, n downstream jobs once"."""
    make_model("a")
    make_model("b")
    for _ in range(3):
        link("a", "b", trigger_event="training_complete")
    update("a", CONTRACTS[1])
    Job.objects.all().delete()
    ModelVersion.objects.filter(model="a", version="2").update(status="training")
    answers = _in_threads(
        lambda _: set_version_status(model_id="a", version="2", status="active"), 20
    )

    assert len(answers) == 20
    assert Trigger.objects.values("event").distinct().count() == 1
    assert Trigger.objects.count() == Job.objects.filter(model="b").count() == 3
