"""Payload checks: stored payloads are validated against a planned contract, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any, NotRequired, TypedDict

import orjson
from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast

from models_registry.contracts import PayloadCheck
from models_registry.contracts.compare import Comparison
from models_registry.errors import Fault, FaultObject
from models_registry.json_types import NonNegativeInt, UUIDText
from models_registry.models import Action
from models_registry.services.definitions import Interface
from subscriptions.impact.added_properties import PropertyCount, PropertyReport, properties_to_count
from subscriptions.models import EventSubscription, EventSubscriptionQuerySet, InputSource

# How many of the payloads that would fail are examples, and how many faults of each are shown.
EXAMPLES, FAULTS_SHOWN = 10, 5
# The limit of a subscription's warnings, too.
FAULTS_SOUGHT = 20
# In memory at a time; a payload may have 900 kB.
ROWS_AT_A_TIME = 64
# A caller waits for the checks.
SECONDS = 5.0


class BrokenPayload(TypedDict):
    """A stored payload that would not fit, and where."""

    subscription_id: UUIDText
    faults: list[FaultObject]


class PayloadReport(TypedDict):
    """The stored payloads of one action held against the new contract, newest first.

    `complete` is false when there are more than were checked. `already_invalid` of the `invalid`
    did not fit the old contract either.
    """

    action: Annotated[str, Action]
    total: NonNegativeInt
    checked: NonNegativeInt
    invalid: NonNegativeInt
    already_invalid: NonNegativeInt
    complete: bool
    examples: list[BrokenPayload]
    names: NotRequired[list[PropertyReport]]


def check_payloads(
    *, model_id: str, action: str, old: Interface, new: Interface, comparison: Comparison | None
) -> PayloadReport:
    """Check the stored payloads of an action against a new contract; writes nothing.

    Checks up to CONTRACT_CHECK_PAYLOADS of them, for at most some seconds. Must be outside any
    transaction.
    """
    stored = EventSubscription.objects.filter(
        target_id=model_id, target_action=action, input_source=InputSource.STORED
    )
    report = PayloadReport(
        action=str(action),
        total=stored.count(),
        checked=0,
        invalid=0,
        already_invalid=0,
        complete=True,
        examples=[],
    )
    if not new.is_schema:  # everything fits
        report["checked"] = report["total"]
        return report
    checker = _Checker(report, old, new, properties_to_count(comparison, new.definition))
    stop_at = time.monotonic() + SECONDS
    for subscription_id, text in _newest(stored, settings.CONTRACT_CHECK_PAYLOADS):
        checker.check(str(subscription_id), text)
        if time.monotonic() > stop_at:
            break
    checker.finish()
    return report


class _Checker:
    """Checks one payload after the other and counts into the report."""

    def __init__(
        self, report: PayloadReport, old: Interface, new: Interface, added: list[PropertyCount]
    ) -> None:
        self._report, self._added = report, added
        self._new = PayloadCheck(new.definition, limit=FAULTS_SOUGHT)
        self._old = PayloadCheck(old.definition, limit=1) if old.is_schema else None

    def check(self, subscription_id: str, text: str) -> None:
        """Check one payload, given as JSON."""
        faults = self._new.faults(text)
        self._report["checked"] += 1
        if self._added:
            payload = orjson.loads(text)
            for added in self._added:
                added.count(payload, faults, are_all=len(faults) < FAULTS_SOUGHT)
        if faults:
            self._keep(subscription_id, text, faults)

    def finish(self) -> None:
        """Complete the report."""
        self._report["complete"] = self._report["checked"] >= self._report["total"]
        if self._added:
            self._report["names"] = [added.report() for added in self._added]

    def _keep(self, subscription_id: str, text: str, faults: list[Fault]) -> None:
        self._report["invalid"] += 1
        if self._old is not None and self._old.faults(text):
            self._report["already_invalid"] += 1
        if len(self._report["examples"]) < EXAMPLES:
            shown = [FaultObject(path=at, message=text) for at, text in faults[:FAULTS_SHOWN]]
            self._report["examples"].append({"subscription_id": subscription_id, "faults": shown})


def _newest(stored: EventSubscriptionQuerySet, limit: int) -> Iterator[tuple[Any, str]]:
    """Yield (id, payload as JSON), newest first, by keyset pagination."""
    rows = stored.order_by("-pk").values_list("pk", Cast("input", TextField()))
    page, after = rows, None
    while limit > 0:
        if after is not None:
            page = rows.filter(pk__lt=after)
        found = list(page[: min(limit, ROWS_AT_A_TIME)])
        yield from found
        if len(found) < ROWS_AT_A_TIME:
            return
        limit, after = limit - len(found), found[-1][0]
