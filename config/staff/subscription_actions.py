"""The actions on subscriptions: pause, resume or accept one, accept all of a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Q

from config.staff.actions import StaffAction
from config.staff.attention import newest_of
from config.staff.links import list_url
from config.staff.paging import COUNT_LIMIT, Count
from models_registry.errors import Conflict
from models_registry.models import Model
from subscriptions.models import (
    EventSubscription,
    InputSource,
    Revalidation,
    SubscriptionStatus,
)
from subscriptions.services.accepting import accept_incoming
from subscriptions.services.subscribing import update_subscription


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    message = "A contract has changed since: review the changes and accept them instead."


def _differs(row: EventSubscription) -> bool:
    return row.target_differs or row.source_differs


def _refuse_changed(row: EventSubscription) -> None:
    if _differs(row):
        raise ChangedMeanwhile


class Pause(StaffAction[EventSubscription]):
    """Stops a subscription from firing."""

    name = "pause"
    label = "Pause"
    permission = "subscriptions.operate_eventsubscription"

    def is_available(self, row: EventSubscription) -> bool:
        return row.state != SubscriptionStatus.PAUSED

    def effects(self, row: EventSubscription) -> Iterator[str]:
        yield "The subscription stops firing. Its existing jobs continue."
        yield "Events that happen during the pause are skipped."

    def perform(self, row: EventSubscription) -> str:
        update_subscription(
            source_id=row.source_id, subscription_id=row.pk, changes={"status": "paused"}
        )
        return "The subscription is paused."


class Resume(StaffAction[EventSubscription]):
    """Lets a paused subscription fire again, unless a contract must be accepted first."""

    name = "resume"
    label = "Resume"
    permission = "subscriptions.operate_eventsubscription"

    def is_available(self, row: EventSubscription) -> bool:
        return row.state == SubscriptionStatus.PAUSED and not _differs(row)

    def effects(self, row: EventSubscription) -> Iterator[str]:
        yield (
            f"The subscription fires again: on {row.trigger_event} of {row.source_id},"
            f" {row.target_id} runs {row.target_action}."
        )
        yield "If this closes a loop, or a contract has changed, it stays paused."

    def perform(self, row: EventSubscription) -> str:
        update_subscription(
            source_id=row.source_id,
            subscription_id=row.pk,
            changes={"status": "active"},
            precondition=_refuse_changed,
        )
        return "The subscription is active."


class Accept(StaffAction[EventSubscription]):
    """Accepts the current contracts, so that a stale subscription fires again."""

    name = "accept"
    label = "Accept changes"
    permission = "subscriptions.change_eventsubscription"
    is_dangerous = True

    def is_available(self, row: EventSubscription) -> bool:
        return row.effective_status == SubscriptionStatus.STALE

    def effects(self, row: EventSubscription) -> Iterator[str]:
        yield "The current contracts are accepted, and the subscription fires again."
        if row.state == SubscriptionStatus.PAUSED:
            yield "It is paused now and becomes active."
        if row.has_warnings:
            yield (
                f"The payload violates the contract in {len(row.warnings)} places."
                " It is sent unchanged."
            )
        yield "If this closes a loop, nothing changes."

    def perform(self, row: EventSubscription) -> str:
        changed = update_subscription(
            source_id=row.source_id, subscription_id=row.pk, changes={"status": "active"}
        )
        return f"Accepted: the subscription is {changed.effective_status}."


# How the payload of a stale subscription fits, as far as it is known.
FITS, PAUSED, MISFITS, PASSES_OUTPUT = "fits", "paused", "does not fit", "passes an output"


def _stale_by_fit(model_id: str) -> Counter[str]:
    """Count the stale subscriptions that run a model, among the newest and up to the limit."""
    incoming = newest_of(EventSubscription.objects.filter(target=model_id))
    stale = incoming.with_status().filter(Q(effective_status=SubscriptionStatus.STALE))
    found = stale.values_list("input_source", "has_warnings", "state")[: COUNT_LIMIT + 1]
    return Counter(_fit(*columns) for columns in found)


def _fit(input_source: str, has_warnings: bool, state: str) -> str:
    if input_source == InputSource.TRIGGER_OUTPUT:
        return PASSES_OUTPUT
    if has_warnings:
        return MISFITS
    return PAUSED if state == SubscriptionStatus.PAUSED else FITS


class AcceptFitting(StaffAction[Model]):
    """Accepts a model's contract for the incoming subscriptions whose payload fits it."""

    name = "accept"
    label = "Accept where the payload fits"
    permission = "subscriptions.change_eventsubscription"
    only_valid = True

    def is_available(self, row: Model) -> bool:
        return EventSubscription.objects.filter(target=row).exists()

    def effects(self, row: Model) -> Iterator[str]:
        counts = _stale_by_fit(row.pk)
        yield f"Stale subscriptions that run {row.pk}: {Count(counts.total())}."
        if counts.total() > COUNT_LIMIT:
            yield f"The numbers below count {COUNT_LIMIT} of them; the action applies to all."
        if self.only_valid:
            yield f"Fire again, because the payload fits the current contract: {counts[FITS]}."
            yield (
                f"Stay stale: {counts[MISFITS]} whose payload does not fit,"
                f" {counts[PASSES_OUTPUT]} that pass on an output."
            )
        else:
            yield f"All fire again, including those whose payload does not fit: {counts[MISFITS]}."
        if Revalidation.objects.filter(model=row, due_at__isnull=False).exists():
            yield "A revalidation is in progress, so the number of payloads that fit may drop."
        yield "Paused ones are accepted and stay paused. One that closes a loop stays stale."

    def perform(self, row: Model) -> str:
        done = accept_incoming(model_id=row.pk, only_valid=self.only_valid)
        return (
            f"Accepted: {done.accepted}. Still stale: {done.invalid} that do not fit,"
            f" {done.trigger_output} that pass on an output, {done.closing_loop} that close a loop."
        )

    def next_url(self, row: Model) -> str:
        return list_url(EventSubscription, target__id__exact=row.pk)


class AcceptAll(AcceptFitting):
    """Accepts a model's contract for all incoming subscriptions."""

    name = "accept-all"
    label = "Accept for all subscriptions"
    is_dangerous = True
    only_valid = False
