"""The graph of models and subscriptions: what counts as one edge, its reach, its bounds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from models_registry.models import Model
from subscriptions.models import EventSubscription
from subscriptions.services import graph
from tests.subscriptions.conftest import link, update

pytestmark = pytest.mark.django_db

TAKES_TEXT = {"inference": {"input_schema": {"type": "object", "title": "another"}}}


def _ids(body: dict[str, Any]) -> list[str]:
    return [node["id"] for node in body["nodes"]]


def _pairs(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(edge["source_model_id"], edge["target_model_id"]) for edge in body["edges"]]


@pytest.fixture
def chain(make_model):
    """Five models in a row, a to e, and one that stands alone."""
    for model_id in ("a", "b", "c", "d", "e", "lone"):
        make_model(model_id)
    for source, target in ("ab", "bc", "cd", "de"):
        link(source, target)


def test_every_model_is_a_node_and_every_kind_of_subscription_an_edge(api, make_model):
    make_model("a")
    make_model("b", active=False)
    subscription = link("a", "b")

    answer = api.get("/v2/graph")

    assert answer.status == 200
    assert answer.body == {
        "nodes": [
            {"id": "a", "name": "a", "status": "active", "current_version": "1"},
            {"id": "b", "name": "b", "status": "pending", "current_version": None},
        ],
        "edges": [
            {
                "source_model_id": "a",
                "target_model_id": "b",
                "trigger_event": "inference_complete",
                "target_action": "inference",
                "input_source": "stored",
                "status": "active",
                "count": 1,
                "subscription_ids": [str(subscription.pk)],
            }
        ],
        "truncated": False,
    }


def test_without_models_it_is_empty(api):
    assert api.get("/v2/graph").body == {"nodes": [], "edges": [], "truncated": False}


def test_subscriptions_alike_are_counted_as_one_edge_and_the_oldest_three_are_named(
    api, make_model
):
    make_model("a")
    make_model("b")
    made = [str(link("a", "b", input={"n": number}).pk) for number in range(5)]

    (edge,) = api.get("/v2/graph").body["edges"]

    assert (edge["count"], edge["subscription_ids"]) == (5, made[:3])


@pytest.mark.parametrize(
    "other",
    [
        {"trigger_event": "training_complete"},
        {"target_action": "training"},
        {"input_source": "trigger_output"},
    ],
)
def test_what_differs_in_event_action_or_input_source_is_another_edge(api, make_model, other):
    make_model("a")
    make_model("b")
    link("a", "b")
    link("a", "b", **other)

    edges = api.get("/v2/graph").body["edges"]

    assert [edge["count"] for edge in edges] == [1, 1]


def test_an_edge_has_the_effective_status(api, make_model):
    make_model("a")
    make_model("b")
    paused = link("a", "b")
    api.put(f"/v2/models/a/event-subscriptions/{paused.pk}", {"status": "paused"})
    link("a", "b")
    update("b", TAKES_TEXT)
    link("a", "b")

    edges = api.get("/v2/graph").body["edges"]

    # The contract's change made the paused one stale as well.
    assert {edge["status"]: edge["count"] for edge in edges} == {"active": 1, "stale": 2}


def test_a_paused_subscription_is_an_edge_of_its_own(api, make_model):
    make_model("a")
    make_model("b")
    link("a", "b")
    api.put(f"/v2/models/a/event-subscriptions/{link('a', 'b').pk}", {"status": "paused"})

    edges = api.get("/v2/graph").body["edges"]

    assert [edge["status"] for edge in edges] == ["active", "paused"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("model_id=c", ["b", "c", "d"]),
        ("model_id=c&depth=1", ["b", "c", "d"]),
        ("model_id=a&depth=2", ["a", "b", "c"]),
        ("model_id=c&depth=2", ["a", "b", "c", "d", "e"]),
        ("model_id=a&depth=10", ["a", "b", "c", "d", "e"]),
        ("model_id=lone", ["lone"]),
        ("depth=10", ["a", "b", "c", "d", "e", "lone"]),
    ],
)
def test_around_a_model_it_reaches_so_far_in_both_directions(api, chain, query, ids):
    body = api.get(f"/v2/graph?{query}").body

    assert _ids(body) == ids
    wanted = [pair for pair in ("ab", "bc", "cd", "de") if set(pair) <= set(ids)]
    assert _pairs(body) == [tuple(pair) for pair in wanted]


def test_a_model_that_subscribes_to_itself_has_an_edge_to_itself(api, make_model):
    make_model("a")
    link("a", "a", trigger_event="training_complete")

    assert _pairs(api.get("/v2/graph?model_id=a").body) == [("a", "a")]


def test_an_unknown_model_is_404(api):
    answer = api.get("/v2/graph?model_id=nobody")

    assert (answer.status, answer.body["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    "query",
    ["model_id=a&depth=0", "model_id=a&depth=11", "model_id=a&depth=-1", "depth=x", "depth=",
     "depth=1&depth=2", "model_id=%00", "model_id=", "model_id=a%20b", "model=a"],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_400(api, make_model, query):
    make_model("a")

    assert api.get(f"/v2/graph?{query}", documented=False).status == 400


def test_beyond_the_bound_of_models_it_says_that_there_are_more(api, chain, monkeypatch):
    monkeypatch.setattr(graph, "NODES_LIMIT", 3)

    whole, near = api.get("/v2/graph").body, api.get("/v2/graph?model_id=d&depth=4").body

    assert (_ids(whole), whole["truncated"]) == (["a", "b", "c"], True)
    assert _pairs(whole) == [("a", "b"), ("b", "c")]
    assert (_ids(near), near["truncated"]) == (["c", "d", "e"], True)


def test_at_the_bound_of_models_nothing_is_missing(api, chain, monkeypatch):
    monkeypatch.setattr(graph, "NODES_LIMIT", 6)
    assert api.get("/v2/graph").body["truncated"] is False
    monkeypatch.setattr(graph, "NODES_LIMIT", 5)
    assert api.get("/v2/graph?model_id=c&depth=9").body["truncated"] is False


@pytest.mark.parametrize("each", [1, 2, 4])
def test_beyond_the_bound_of_edges_it_says_so_and_those_shown_are_whole(
    api, chain, monkeypatch, each
):
    for source, target in ("ab", "bc", "cd", "de"):
        for _ in range(each - 1):
            link(source, target)
    monkeypatch.setattr(graph, "EDGES_LIMIT", 2)

    body = api.get("/v2/graph").body

    assert (_pairs(body), body["truncated"]) == ([("a", "b"), ("b", "c")], True)
    assert {edge["count"] for edge in body["edges"]} == {each}
    assert {len(edge["subscription_ids"]) for edge in body["edges"]} == {min(each, 3)}
    monkeypatch.setattr(graph, "EDGES_LIMIT", 4)
    assert api.get("/v2/graph").body["truncated"] is False


def test_it_asks_the_database_as_often_whatever_the_size(make_model):
    def asked(**around: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            graph.read_graph(**around)
        return len(queries)

    make_model("hub")
    for number in range(12):
        make_model(f"m{number}")
        link("hub", f"m{number}")
    assert (Model.objects.count(), EventSubscription.objects.count()) == (13, 12)

    assert asked() == 2
    assert asked(model_id="hub", depth=1) == 4
    # Nothing is further away: it stops there.
    assert asked(model_id="hub", depth=10) == 5
