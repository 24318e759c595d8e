"""`manage.py subscriptions`: lists event subscriptions, such as the stale ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models import Q

from config.terminal import Column, TerminalCommand, state
from models_registry.services.lookups import require_model
from subscriptions.api.representations import SubscriptionObject, subscription_objects
from subscriptions.models import EventSubscription, EventSubscriptionQuerySet, SubscriptionStatus
from subscriptions.services.lookups import with_models

# Matches may be rare, so one query searches this many rows.
WINDOW = 5_000

COLUMNS = (
    Column("SUBSCRIPTION", lambda sub: sub["id"]),
    Column("STATUS", lambda sub: state(sub["status"])),
    Column("SOURCE", lambda sub: sub["source_model_id"]),
    Column("EVENT", lambda sub: sub["trigger_event"]),
    Column("TARGET", lambda sub: sub["target_model_id"]),
    Column("ACTION", lambda sub: sub["target_action"]),
    Column("REASONS AND WARNINGS", lambda sub: _reasons(sub), truncatable=True),
)


class Command(TerminalCommand):
    help = (
        "List event subscriptions, oldest first, with the reasons why they are stale and the"
        " warnings of their stored payloads."
    )
    examples = (
        "subscriptions --stale",
        "subscriptions --model model_price_reco_v1 --with-warnings",
        "subscriptions --stale --json | jq -r '.[].target_model_id' | sort | uniq -c",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        status = parser.add_mutually_exclusive_group()
        status.add_argument(
            "--status",
            choices=SubscriptionStatus.values,
            help="only subscriptions with this effective status",
        )
        status.add_argument(
            "--stale",
            dest="status",
            action="store_const",
            const=SubscriptionStatus.STALE.value,
            help="same as --status stale",
        )
        parser.add_argument(
            "--model", metavar="ID", help="only subscriptions from or to this model"
        )
        parser.add_argument(
            "--with-warnings",
            action="store_true",
            help="only subscriptions whose stored payload has warnings",
        )
        self.add_limit(parser)

    def show(self, **options: Any) -> None:
        wanted = Q()
        if options["status"]:
            wanted &= Q(effective_status=options["status"])
        if options["with_warnings"]:
            wanted &= Q(has_warnings=True)
        limit = options["limit"]
        found = _first(_of(options["model"]), wanted, limit + 1)
        objects = subscription_objects(found[:limit])
        self.display.rows(
            objects,
            COLUMNS,
            objects=objects,
            empty="No subscriptions match.",
            more=len(found) > limit,
        )


def _of(model_id: str | None) -> EventSubscriptionQuerySet:
    """Return the subscriptions from or to a model. Raises ModelNotFound."""
    if model_id is None:
        return with_models()
    require_model(model_id)
    return with_models().filter(Q(source=model_id) | Q(target=model_id))


def _first(
    subscriptions: EventSubscriptionQuerySet, wanted: Q, number: int
) -> list[EventSubscription]:
    """Return the first `number` rows that match `wanted`; searches one window after the other."""
    found: list[EventSubscription] = []
    after = UUID(int=0)
    while len(found) < number:
        rest = subscriptions.filter(pk__gt=after).order_by("pk")
        ends = rest.values_list("pk", flat=True)[WINDOW - 1 : WINDOW]
        until = next(iter(ends), None)
        window = rest if until is None else rest.filter(pk__lte=until)
        found += window.filter(wanted)[: number - len(found)]
        if until is None:
            break
        after = until
    return found


def _reasons(sub: SubscriptionObject) -> str:
    reasons = [
        f"{reason['side']} {reason['action']} {reason['direction']} changed by"
        f" version {reason['version']}"
        for reason in sub.get("stale_because", [])
    ]
    if not reasons and "stale_because" in sub:
        reasons = ["set to stale manually"]
    return "; ".join([*reasons, *sub.get("warnings", [])])
