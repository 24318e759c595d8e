"""Loop detection: no subscription may close a loop in the graph of (model, action)."""

from __future__ import annotations

from collections.abc import Iterable

from models_registry.db.locks import wait_for
from models_registry.errors import Unprocessable
from subscriptions.models import EventSubscription, SubscriptionStatus, TriggerEvent

# An action of a model: a node of the graph, such as ("price_v1", "training").
Node = tuple[str, str]
# The limits of a breadth-first search; beyond them the depth limit of chains stops a loop.
SEARCH_LIMIT, STEPS_LIMIT = 20_000, 1000
CHUNK = 500
# The key of the advisory lock that serialises changes of the graph (an arbitrary number).
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

    Must be inside the transaction that adds the edge: no other edge can be added until it ends, so
    two edges that close a loop together can't both pass. Only subscriptions set to active count,
    and stale ones among them, since they become active again by themselves.
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
