"""Finds the subscriptions that need attention: stale or with warnings, in tables of any size."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import QuerySet

from config.staff.paging import COUNT_LIMIT
from models_registry.db import dialect, sql
from models_registry.models import Action, Model
from subscriptions.models import (
    EventSubscription,
    EventSubscriptionQuerySet,
    TriggerEvent,
    UpdateReport,
)

# Only an update of an interface makes a subscription stale, and each update leaves a report. The
# search covers the models of this many of the newest reports.
UPDATES_LIMIT = 1000
# A subscription can match up to three times: on both sides, and set to stale manually.
_FOUND_LIMIT = 3 * (COUNT_LIMIT + 1)

# Warnings are searched for in this many of the newest subscriptions. An index on them would make
# every revalidation that writes warnings several times slower.
NEWEST_LIMIT = 20_000

_MODEL = Model._meta.db_table
_SUBSCRIPTION = EventSubscription._meta.db_table
_CHANGED = (
    f"SELECT model_id FROM (SELECT model_id FROM {UpdateReport._meta.db_table}"  # noqa: S608
    f" ORDER BY id DESC LIMIT {UPDATES_LIMIT}) AS changed"
)


def with_warnings(rows: QuerySet[EventSubscription]) -> QuerySet[EventSubscription]:
    """Return the rows that have warnings, among the newest NEWEST_LIMIT subscriptions."""
    oldest = _oldest_of_newest(EventSubscription.objects.all())
    found = rows.filter(has_warnings=True)
    return found if oldest is None else found.filter(pk__gte=oldest)


def newest_of(rows: EventSubscriptionQuerySet) -> EventSubscriptionQuerySet:
    """Return the newest NEWEST_LIMIT of `rows`."""
    oldest = _oldest_of_newest(rows)
    return rows if oldest is None else rows.filter(pk__gte=oldest)


def _oldest_of_newest(rows: QuerySet[EventSubscription]) -> UUID | None:
    ids = rows.order_by("-pk").values_list("pk", flat=True)
    return ids[NEWEST_LIMIT - 1 : NEWEST_LIMIT].first()


def stale_ids() -> list[UUID]:
    """Return the ids of stale subscriptions, newest first; at most COUNT_LIMIT + 1."""
    by_hand = f"SELECT id FROM {_SUBSCRIPTION} WHERE state = 'stale' LIMIT {COUNT_LIMIT + 1}"  # noqa: S608
    branches = [
        *(_probe(condition) for condition in _conditions()),
        f"SELECT * FROM ({by_hand}) AS h",  # noqa: S608
    ]
    rows = sql.read(f"{' UNION ALL '.join(branches)} LIMIT {_FOUND_LIMIT}")
    found = {UUID(str(row[0])) for row in rows}
    return sorted(found, reverse=True)[: COUNT_LIMIT + 1]


def _conditions() -> Iterator[str]:
    """Yield what makes subscription `s` of model `m` stale; each is an index range."""
    for differs in ("<", ">"):
        for action in Action:
            yield (
                f"s.target_id = m.id AND s.target_action = '{action}'"
                f" AND s.accepted_target_fingerprint {differs} m.{action}_input_fingerprint"
            )
        for event in TriggerEvent:
            yield (
                f"s.source_id = m.id AND s.trigger_event = '{event}'"
                " AND s.input_source = 'trigger_output'"
                f" AND s.accepted_source_fingerprint {differs} m.{event.action}_output_fingerprint"
            )


def _probe(condition: str) -> str:
    """Return a query that looks at changed models one by one."""
    joined = dialect.joined_row_by_row(_SUBSCRIPTION, "s", condition, limit=COUNT_LIMIT + 1)
    return f"SELECT s.id FROM {_MODEL} m {joined} WHERE m.id IN ({_CHANGED})"  # noqa: S608
