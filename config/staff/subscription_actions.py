"""What staff may do with subscriptions: pause, resume, accept one; accept all of a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Q

from config.staff.actions import StaffAction
from config.staff.base import list_url
from config.staff.concerns import newest_of
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
    message = "A contract has changed meanwhile: look at the changes, and accept them instead."


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

    def is_offered(self, row: EventSubscription) -> bool:
        return row.state != SubscriptionStatus.PAUSED

    def foresee(self, row: EventSubscription) -> Iterator[str]:
        yield "It no longer fires. Jobs that it has made already go on."
        yield "What happens while it is paused is not made up for later."

    def carry_out(self, row: EventSubscription) -> str:
        update_subscription(
            source_id=row.source_id, subscription_id=row.pk, changes={"status": "paused"}
        )
        return "The subscription is paused."


class Resume(StaffAction[EventSubscription]):
    """Lets a paused subscription fire again; not where there is a contract to accept."""

    name = "resume"
    label = "Resume"
    permission = "subscriptions.operate_eventsubscription"

    def is_offered(self, row: EventSubscription) -> bool:
        return row.state == SubscriptionStatus.PAUSED and not _differs(row)

    def foresee(self, row: EventSubscription) -> Iterator[str]:
        yield (
            f"From now on, when {row.source_id} has {row.trigger_event}, {row.target_id} runs"
            f" {row.target_action}."
        )
        yield "If that closes a loop, or a contract has changed by then, it stays paused."

    def carry_out(self, row: EventSubscription) -> str:
        update_subscription(
            source_id=row.source_id,
            subscription_id=row.pk,
            changes={"status": "active"},
            precondition=_refuse_changed,
        )
        return "The subscription is active."


class Accept(StaffAction[EventSubscription]):
    """Accepts the present contracts, so that a stale subscription fires again."""

    name = "accept"
    label = "Accept the changes"
    permission = "subscriptions.change_eventsubscription"
    is_dangerous = True

    def is_offered(self, row: EventSubscription) -> bool:
        return row.effective_status == SubscriptionStatus.STALE

    def foresee(self, row: EventSubscription) -> Iterator[str]:
        yield "The contracts as they are now count as accepted, and it fires again."
        if row.state == SubscriptionStatus.PAUSED:
            yield "It is paused at present; afterwards it is active."
        if row.has_warnings:
            yield (
                f"Its payload does not fit the contract in {len(row.warnings)} places."
                " It is sent all the same, as it is."
            )
        yield "If that closes a loop, nothing changes."

    def carry_out(self, row: EventSubscription) -> str:
        changed = update_subscription(
            source_id=row.source_id, subscription_id=row.pk, changes={"status": "active"}
        )
        return f"Accepted: the subscription is {changed.effective_status}."


# What accepting would do to a stale subscription, as far as it is known.
FITS, PAUSED, MISFITS, HANDS_ON = "fits", "fits and is paused", "does not fit", "hands on an output"


def _stale_by_fit(model_id: str) -> Counter[str]:
    """Count the stale subscriptions that run a model, among its newest and up to the limit."""
    incoming = newest_of(EventSubscription.objects.filter(target=model_id))
    stale = incoming.with_status().filter(Q(effective_status=SubscriptionStatus.STALE))
    found = stale.values_list("input_source", "has_warnings", "state")[: COUNT_LIMIT + 1]
    return Counter(_fit(*columns) for columns in found)


def _fit(input_source: str, has_warnings: bool, state: str) -> str:
    if input_source == InputSource.TRIGGER_OUTPUT:
        return HANDS_ON
    if has_warnings:
        return MISFITS
    return PAUSED if state == SubscriptionStatus.PAUSED else FITS


class AcceptFitting(StaffAction[Model]):
    """Accepts a model's contract for those incoming subscriptions whose payload fits it."""

    name = "accept"
    label = "Accept for subscriptions that fit"
    permission = "subscriptions.change_eventsubscription"
    only_valid = True

    def is_offered(self, row: Model) -> bool:
        return EventSubscription.objects.filter(target=row).exists()

    def foresee(self, row: Model) -> Iterator[str]:
        counts = _stale_by_fit(row.pk)
        yield f"Stale subscriptions that run {row.pk}: {Count(counts.total())}."
        if counts.total() > COUNT_LIMIT:
            yield f"Counted below are {COUNT_LIMIT} of them; it is done to all."
        if self.only_valid:
            yield f"Those whose payload fits the present contract fire again: {counts[FITS]}."
            yield (
                f"Others stay stale: {counts[MISFITS]} whose payload does not fit,"
                f" {counts[HANDS_ON]} that hand on an output."
            )
        else:
            yield f"All fire again, also those whose payload does not fit: {counts[MISFITS]}."
        if Revalidation.objects.filter(model=row, due_at__isnull=False).exists():
            yield "Payloads are being checked at present, so fewer may fit than are counted here."
        yield "Paused ones are accepted and stay paused; what would close a loop stays stale."

    def carry_out(self, row: Model) -> str:
        done = accept_incoming(model_id=row.pk, only_valid=self.only_valid)
        return (
            f"Accepted: {done.accepted}. Left stale: {done.invalid} that do not fit,"
            f" {done.trigger_output} that hand on an output, {done.closing_loop} that would close"
            " a loop."
        )

    def page_after(self, row: Model) -> str:
        return list_url(EventSubscription, target__id__exact=row.pk)


class AcceptAll(AcceptFitting):
    """Accepts a model's contract for all incoming subscriptions."""

    name = "accept-all"
    label = "Accept for all subscriptions"
    is_dangerous = True
    only_valid = False
