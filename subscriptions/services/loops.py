"""Loops in the graph of (model, action): found before they can run."""

from __future__ import annotations

from collections.abc import Iterable

from models_registry.db.locks import wait_for
from models_registry.errors import Unprocessable
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent

# An action of a model: a node of the graph, such as ("price_v1", "training").
Node = tuple[str, str]
# How many nodes a search looks at, and how many steps from the first; beyond, the depth limit of
# chains is what stops a loop.
SEARCH_LIMIT, STEPS_LIMIT = 20_000, 1000
CHUNK = 500
# The key of the lock that puts changes of the graph in a row (any number, only ours).
GRAPH_LOCK = 0x6D6F64656C70


class LoopClosed(Unprocessable):
    """The subscription would make a model trigger itself, directly or through others."""

    code = "loop_closed"

    def __init__(self, loop: list[Node]) -> None:
        names = " -> ".join(f"{model} ({action})" for model, action in loop)
        super().__init__(f"This would close a loop: {names}.")
        self.loop = loop


def refuse_loop(*, start: Node, end: Node) -> None:
    """Raise LoopClosed if an edge from `start` to `end` would close a loop.

    Must be inside the transaction that adds the edge: until it ends, no other edge is added, so
    that two edges which close a loop together can't both pass. Only subscriptions that are set
    to active count, stale ones among them, since they come back without being resumed.
    """
    wait_for(GRAPH_LOCK)
    came_from: dict[Node, Node] = {}
    frontier = {end}
    seen = {end}
    for _ in range(STEPS_LIMIT):
        if start in seen or not frontier or len(seen) > SEARCH_LIMIT:
            break
        reached: dict[Node, Node] = {}
        for node, following in _edges_from(frontier):
            if following not in seen:
                reached.setdefault(following, node)
        came_from |= reached
        frontier = set(reached)
        seen |= frontier
    if start in seen:
        raise LoopClosed([start, *_path(came_from, end, start)])


def _path(came_from: dict[Node, Node], first: Node, last: Node) -> list[Node]:
    path = [last]
    while path[-1] != first:
        path.append(came_from[path[-1]])
    return path[::-1]


def _edges_from(nodes: Iterable[Node]) -> Iterable[tuple[Node, Node]]:
    for event in TriggerEvent:
        models = sorted(model for model, action in nodes if action == event.action)
        for first in range(0, len(models), CHUNK):
            edges = EventSubscription.objects.filter(
                source_id__in=models[first : first + CHUNK],
                trigger_event=event,
                state=SubscriptionStatus.ACTIVE,
            )
            columns = edges.values_list("source_id", "target_id", "target_action")
            for source, target, action in columns.distinct():
                yield (source, str(event.action)), (target, action)
