"""The graph page: models as nodes, subscriptions as edges, and the same as a table."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from config.staff.formatting import tone
from config.staff.links import list_url
from models_registry.models import ModelStatus
from models_registry.services.lookups import ModelNotFound
from subscriptions.models import EventSubscription, SubscriptionStatus
from subscriptions.services.graph import Graph, GraphEdge, Node, read_graph

# A larger graph is unreadable, and its layout takes the browser long.
NODES_DRAWN = 400
EDGES_DRAWN = 800
DEPTHS = (1, 2, 3, 5, 10)
PERMISSIONS = ("models_registry.view_model", "subscriptions.view_eventsubscription")


def context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the page: all models, or those around the one that the URL names."""
    if not can_view_graph(request):
        raise PermissionDenied
    model_id = request.GET.get("model_id", "").strip().replace("\0", "")
    depth = _depth(request.GET.get("depth", ""))
    graph = _read(model_id, depth)
    edges = [] if graph is None else graph.edges[:EDGES_DRAWN]
    nodes = [] if graph is None else _drawn(graph, edges, model_id)
    return {
        "title": "Graph",
        "model_id": model_id,
        "depth": depth,
        "depths": DEPTHS,
        "is_unknown": graph is None,
        "is_cut": graph is not None
        and (graph.truncated or len(nodes) < len(graph.nodes) or len(edges) < len(graph.edges)),
        "nodes": [_node(node, model_id) for node in nodes],
        "edges": [_edge(edge) for edge in _among(edges, nodes)],
        "model_statuses": [
            {"status": status, "tone": tone(status)} for status in ModelStatus.values
        ],
        "statuses": [
            {"status": status, "tone": tone(status)} for status in SubscriptionStatus.values
        ],
    }


def can_view_graph(request: HttpRequest) -> bool:
    """Whether this user may see the graph."""
    return request.user.has_perms(PERMISSIONS)


def _read(model_id: str, depth: int) -> Graph | None:
    """Return the graph; None if the model does not exist."""
    try:
        return read_graph(model_id=model_id or None, depth=depth)
    except ModelNotFound:
        return None


def _depth(text: str) -> int:
    return next((depth for depth in DEPTHS if str(depth) == text), DEPTHS[0])


def _drawn(graph: Graph, edges: list[GraphEdge], model_id: str) -> list[Node]:
    """Return the models to draw: first the requested one, then those with an edge."""
    ends = {end for edge in edges for end in (edge.source_model_id, edge.target_model_id)}
    first = sorted(graph.nodes, key=lambda node: (node.id != model_id, node.id not in ends))
    return first[:NODES_DRAWN]


def _among(edges: list[GraphEdge], nodes: list[Node]) -> list[GraphEdge]:
    ids = {node.id for node in nodes}
    return [edge for edge in edges if {edge.source_model_id, edge.target_model_id} <= ids]


def _node(node: Node, model_id: str) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "status": node.status,
        "version": node.current_version or "",
        "tone": tone(node.status),
        "url": reverse("admin:models_registry_model_change", args=[node.id]),
        "around": f"{reverse('admin:chains')}?model_id={node.id}",
        "is_chosen": node.id == model_id,
    }


def _edge(edge: GraphEdge) -> dict[str, Any]:
    return {
        "source": edge.source_model_id,
        "target": edge.target_model_id,
        "event": edge.trigger_event,
        "action": edge.target_action,
        "input": edge.input_source,
        "status": edge.status,
        "count": edge.count,
        "tone": tone(edge.status),
        "url": _edge_url(edge),
    }


def _edge_url(edge: GraphEdge) -> str:
    """Return the URL of the subscription, or of the list of all between the two models."""
    if edge.count == 1:
        name = "admin:subscriptions_eventsubscription_change"
        return reverse(name, args=[edge.subscription_ids[0]])
    return list_url(
        EventSubscription,
        source__id__exact=edge.source_model_id,
        target__id__exact=edge.target_model_id,
        trigger_event__exact=edge.trigger_event,
        target_action__exact=edge.target_action,
    )
