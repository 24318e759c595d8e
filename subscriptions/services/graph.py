"""The graph of models and the subscriptions between them; reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from models_registry.json_types import Identifier, Keywords, UUIDText
from models_registry.models import Action, Model, ModelStatus
from models_registry.services.lookups import require_model
from subscriptions.models import (
    EventSubscription,
    EventSubscriptionQuerySet,
    InputSource,
    SubscriptionStatus,
    TriggerEvent,
)

# The graph is cut off beyond these.
NODES_LIMIT = 1000
EDGES_LIMIT = 5000
# How many subscriptions of one edge are named: the oldest.
NAMED = 3
DEPTH_MAX = 10

# Subscriptions with the same values are one edge.
EDGE = (
    "source_id",
    "target_id",
    "trigger_event",
    "target_action",
    "input_source",
    "effective_status",
)


@dataclass(frozen=True)
class Node:
    """One model; `current_version` is null while it is pending."""

    id: Identifier
    name: str
    status: Annotated[str, ModelStatus]
    current_version: Identifier | None


@dataclass(frozen=True)
class GraphEdge:
    """All subscriptions that do the same with the same effective status.

    How many there are, and the oldest few by id.
    """

    source_model_id: Identifier
    target_model_id: Identifier
    trigger_event: Annotated[str, TriggerEvent]
    target_action: Annotated[str, Action]
    input_source: Annotated[str, InputSource]
    status: Annotated[str, SubscriptionStatus]
    count: Annotated[int, Keywords(minimum=1)]
    subscription_ids: Annotated[tuple[UUIDText, ...], Keywords(minItems=1, maxItems=NAMED)]


@dataclass(frozen=True)
class Graph:
    """Models and the subscriptions between them; `truncated` if there are more than are read."""

    nodes: Annotated[list[Node], Keywords(maxItems=NODES_LIMIT)]
    edges: Annotated[list[GraphEdge], Keywords(maxItems=EDGES_LIMIT)]
    truncated: bool


def read_graph(*, model_id: str | None = None, depth: int = 1) -> Graph:
    """Return all models with the edges between them, or those around one model.

    With `model_id` the models at most `depth` subscriptions away from it, in either direction.
    Raises ModelNotFound.
    """
    if model_id is None:
        nodes, cut = _first(_models(), NODES_LIMIT)
        # All models: no filter is needed.
        between = Q() if not cut else _among({row[0] for row in nodes})
    else:
        near, cut = _near(model_id, depth)
        nodes, between = list(_models().filter(pk__in=near)), _among(near)
    edges, more = _edges(EventSubscription.objects.filter(between))
    return Graph([Node(*row) for row in nodes], edges, cut or more)


def _models() -> QuerySet[Any, Any]:
    return Model.objects.order_by("id").values_list(
        "id", "name", "status", "current_version__version"
    )


def _among(ids: set[str]) -> Q:
    return Q(source_id__in=ids, target_id__in=ids)


def _near(model_id: str, depth: int) -> tuple[set[str], bool]:
    """Return the models around one, nearest first up to the limit, and whether it was exceeded."""
    require_model(model_id)
    found, frontier = {model_id}, {model_id}
    for _ in range(depth):
        frontier = _beside(frontier, NODES_LIMIT) - found
        room = NODES_LIMIT - len(found)
        if len(frontier) > room:
            return found | set(sorted(frontier)[:room]), True
        found |= frontier
        if not frontier:
            break
    return found, False


def _beside(frontier: set[str], known: int) -> set[str]:
    """Return the models at the other end of the frontier's subscriptions, up to a limit."""
    rows = EventSubscription.objects.order_by()
    after = rows.filter(source_id__in=frontier).values_list("target_id")
    before = rows.filter(target_id__in=frontier).values_list("source_id")
    # At most `known` of them are known already; one more shows that the limit is exceeded.
    union = after.union(before).order_by("target_id")
    return {pk for (pk,) in union[: 2 * known + 1]}


def _edges(rows: EventSubscriptionQuerySet) -> tuple[list[GraphEdge], bool]:
    """Group subscriptions by edge in one statement, which returns a few rows of each."""
    same: dict[str, Any] = {"partition_by": [F(name) for name in EDGE]}
    numbered = (
        rows.with_status()
        .annotate(place=Window(RowNumber(), order_by="id", **same), size=Window(Count("*"), **same))
        .filter(place__lte=NAMED)
        .order_by(*EDGE, "place")
        .values_list(*EDGE, "size", "id")
    )
    found, cut = _first(numbered, EDGES_LIMIT * NAMED)
    edges = list(_grouped(found))
    return edges[:EDGES_LIMIT], cut or len(edges) > EDGES_LIMIT


def _grouped(rows: list[Any]) -> Iterator[GraphEdge]:
    # The size is the same in all rows of an edge.
    for key, same in groupby(rows, key=itemgetter(slice(0, len(EDGE) + 1))):
        ids = tuple(str(row[-1]) for row in same)
        yield GraphEdge(*(*key, ids))


def _first(rows: QuerySet[Any, Any], limit: int) -> tuple[list[Any], bool]:
    """Return the first rows, and whether there are more."""
    found = list(rows[: limit + 1])
    return found[:limit], len(found) > limit
