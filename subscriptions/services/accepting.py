"""Accepting changed interfaces for all incoming subscriptions of a model at once."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, Count, OuterRef, Q, Subquery, Value, When
from django.utils import timezone

from models_registry.db.transactions import transactional
from models_registry.errors import Conflict
from models_registry.models import Action, Direction, Model
from models_registry.services.lookups import lock_model, require_model
from subscriptions.models import (
    OPEN_RUN,
    EventSubscription,
    EventSubscriptionQuerySet,
    InputSource,
    Revalidation,
    SubscriptionStatus,
    TriggerEvent,
)
from subscriptions.revalidation.runs import work_through
from subscriptions.services.audit import record_acceptance
from subscriptions.services.loops import LoopClosed, refuse_loop

# How long a caller waits for a revalidation to end, and works on it meanwhile.
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05
# Accepted by one statement and transaction, far below the database's time limits for both: each row
# is a new entry in every index (measured 0.5 ms, on a busy machine).
ROWS_AT_A_TIME = 5_000

# An edge of the graph, beside its target.
EDGE = ("source_id", "trigger_event", "target_action")
# The payload fits the target's present contract, provided that no revalidation is open.
FITS = Q(input_source=InputSource.STORED, has_warnings=False)


class RevalidationRunning(Conflict):
    code = "revalidation_running"
    message = "The stored payloads are still being checked against the present contract."
    retry_after_seconds = 5


@dataclass(frozen=True)
class Acceptance:
    """How many subscriptions were accepted, and how many are still stale, by reason."""

    accepted: int
    invalid: int
    trigger_output: int
    closing_loop: int


class _Part(NamedTuple):
    """How many of the subscriptions up to `until` were accepted."""

    accepted: int
    until: UUID


class _Unchecked(Exception):
    """A revalidation is open, so it is unknown which payloads fit."""


def accept_incoming(*, model_id: str, only_valid: bool) -> Acceptance:
    """Accept the present interfaces for the stale subscriptions that run a model.

    With `only_valid` only those whose stored payload fits the model's present contract by the last
    revalidation; an open one is finished first. Paused subscriptions stay paused; those that were
    set to stale by hand become active, unless that would close a loop. Must be outside a
    transaction. Raises ModelNotFound, RevalidationRunning.
    """
    require_model(model_id)
    ends_at = time.monotonic() + WAIT_SECONDS
    accepted, after = 0, UUID(int=0)
    while True:
        if only_valid:
            _finish_revalidations(model_id, ends_at)
        try:
            step = _accept_some(model_id, after, only_valid=only_valid)
        except _Unchecked:  # the model changed meanwhile
            continue
        if isinstance(step, Acceptance):
            return replace(step, accepted=accepted + step.accepted)
        accepted, after = accepted + step.accepted, step.until


def _finish_revalidations(model_id: str, ends_at: float) -> None:
    """Return once no revalidation of the model is open; raises RevalidationRunning."""
    runs = Revalidation.objects.filter(model_id=model_id, status__in=OPEN_RUN)
    while run_ids := list(runs.values_list("pk", flat=True)):
        for run_id in run_ids:
            work_through(run_id, seconds=ends_at - time.monotonic())
        if not runs.exists():
            return
        if time.monotonic() >= ends_at:
            raise RevalidationRunning
        time.sleep(POLL_SECONDS)  # other workers have claimed the rest


@transactional
def _accept_some(model_id: str, after: UUID, *, only_valid: bool) -> _Part | Acceptance:
    """Accept the next page of a model's subscriptions; opens a transaction.

    Returns the part that was done, or the outcome after the last page. Raises _Unchecked.
    """
    model = lock_model(model_id)
    if only_valid and Revalidation.objects.filter(model=model, status__in=OPEN_RUN).exists():
        raise _Unchecked
    wanted = _stale(model_id).filter(FITS if only_valid else Q(), pk__gt=after)
    by_hand = wanted.filter(state=SubscriptionStatus.STALE)
    rest = wanted.exclude(state=SubscriptionStatus.STALE)
    ids = rest.order_by("pk").values_list("pk", flat=True)
    until = next(iter(ids[ROWS_AT_A_TIME - 1 : ROWS_AT_A_TIME]), None)
    if until is not None:
        part = rest.filter(pk__lte=until).update(**_accepted(model))
        record_acceptance(model_id, accepted=part, only_valid=only_valid)
        return _Part(part, until)
    accepted = rest.update(**_accepted(model)) + _revive(model, by_hand)
    record_acceptance(model_id, accepted=accepted, only_valid=only_valid)
    return Acceptance(accepted=accepted, **_left(model_id, only_valid=only_valid))


def _revive(model: Model, by_hand: EventSubscriptionQuerySet) -> int:
    """Activate subscriptions that were set to stale by hand, edge by edge, if that closes no loop.

    Must be inside a transaction that holds the model. Returns how many.
    """
    revived = 0
    edges = by_hand.values_list(*EDGE).distinct()
    for source_id, trigger_event, action in edges.order_by(*EDGE):
        same = EventSubscription.objects.filter(
            source_id=source_id,
            target=model,
            trigger_event=trigger_event,
            target_action=action,
            state=SubscriptionStatus.STALE,
        )
        # Rows are locked before the graph, as everywhere.
        ids = list(same.filter(pk__in=by_hand.values("pk")).select_for_update().values_list("pk"))
        try:
            start = (source_id, str(TriggerEvent(trigger_event).action))
            refuse_loop(start=start, end=(model.pk, action))
        except LoopClosed:
            continue
        revived += same.filter(pk__in=[pk for (pk,) in ids]).update(
            state=SubscriptionStatus.ACTIVE, **_accepted(model)
        )
    return revived


def _stale(model_id: str) -> EventSubscriptionQuerySet:
    incoming = EventSubscription.objects.with_status().filter(target_id=model_id)
    return incoming.filter(Q(effective_status=SubscriptionStatus.STALE))


def _accepted(model: Model) -> dict[str, Any]:
    """Return the columns of a subscription that accepts the present interfaces.

    The revision is not among them: payload and warnings stay the same. If a source changes before
    the commit, its subscriptions are rightly stale.
    """
    now = timezone.now()
    by_action = (
        When(target_action=action, then=Value(model.fingerprint(action, Direction.INPUT)))
        for action in Action
    )
    by_event = (
        When(
            input_source=InputSource.TRIGGER_OUTPUT,
            trigger_event=event,
            then=Subquery(
                Model.objects.filter(pk=OuterRef("source_id")).values(
                    f"{event.action}_{Direction.OUTPUT}_fingerprint"
                )
            ),
        )
        for event in TriggerEvent
    )
    return {
        "accepted_target_fingerprint": Case(*by_action),
        "accepted_source_fingerprint": Case(*by_event, default=Value("")),
        "accepted_at": now,
        "updated_at": now,
    }


def _left(model_id: str, *, only_valid: bool) -> dict[str, int]:
    """Count the subscriptions that are still stale, by reason."""
    trigger_output = Q(input_source=InputSource.TRIGGER_OUTPUT)
    unwanted = {"invalid": ~trigger_output & ~FITS, "trigger_output": trigger_output}
    reasons = unwanted if only_valid else dict.fromkeys(unwanted, Q(pk__in=[]))
    reasons["closing_loop"] = FITS if only_valid else Q()
    counts = {name: Count("pk", filter=reason) for name, reason in reasons.items()}
    left: dict[str, int] = _stale(model_id).aggregate(**counts)
    return left
