"""The graph page: it shows all models and edges, and can be used without a mouse."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from config.staff import graph as graph_page
from config.staff.links import page_url
from subscriptions.services.subscribing import update_subscription
from tests.factories import change_model, make_active_model, make_model, make_subscription

PAGE = "/admin/chains/"
SCRIPT = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest.fixture
def chain(db):
    """Four models: two edges from a to b, one stale and one paused, one from b to c; one alone."""
    for model_id in ("a", "b", "c"):
        make_active_model(model_id, name=f"Model {model_id}")
    make_model("alone", name=SCRIPT[:200])
    make_subscription("a", "b")
    make_subscription("a", "b")
    change_model("b")
    make_subscription("b", "c")
    paused = make_subscription("b", "c")
    update_subscription(source_id="b", subscription_id=paused.pk, changes={"status": "paused"})


def test_it_shows_every_model_and_every_edge_with_its_status(staff, chain):
    context = staff.get(PAGE).context

    assert [node["id"] for node in context["nodes"]] == ["a", "b", "c", "alone"]
    edges = [(e["source"], e["target"], e["status"], e["count"]) for e in context["edges"]]
    assert edges == [
        ("a", "b", "stale", 2),
        ("b", "c", "active", 1),
        ("b", "c", "paused", 1),
    ]
    assert context["is_cut"] is False


def test_around_one_model_it_shows_its_neighbours(staff, chain):
    near = staff.get(PAGE, {"model_id": "a"}).context
    further = staff.get(PAGE, {"model_id": "a", "depth": "2"}).context

    assert [node["id"] for node in near["nodes"]] == ["a", "b"]
    assert [node["id"] for node in further["nodes"]] == ["a", "b", "c"]


@pytest.mark.parametrize("model_id", ["nobody", "<b>", "x" * 9000])
@pytest.mark.parametrize("depth", ["1", "x", "-1", "99999999999999999999"])
def test_an_address_that_makes_no_sense_is_no_error(staff, chain, model_id, depth):
    assert staff.get(PAGE, {"model_id": model_id, "depth": depth}).status_code == 200


def test_it_takes_the_right_to_see_models_and_subscriptions(log_in, db):
    assert log_in("viewers").get(PAGE).status_code == 200
    viewer = log_in("operators")
    user = viewer.get(PAGE).wsgi_request.user
    user.groups.clear()
    assert viewer.get(PAGE).status_code == 403


def test_more_than_can_be_drawn_is_cut_and_it_says_so(staff, chain, monkeypatch):
    monkeypatch.setattr(graph_page, "NODES_DRAWN", 2)
    answer = staff.get(PAGE)

    assert [node["id"] for node in answer.context["nodes"]] == ["a", "b"]
    assert [edge["target"] for edge in answer.context["edges"]] == ["b"]
    assert "The graph is truncated to 2 models and 1 edges" in answer.content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
class TestInABrowser:
    @pytest.fixture
    def graph(self, chain, open_as_staff):
        page = open_as_staff()
        page.goto(PAGE)
        page.locator("#graph svg").wait_for()
        return page

    def test_every_model_and_every_edge_is_drawn_and_no_script_runs(self, graph):
        assert graph.locator("svg a.mp-node").count() == 4
        assert graph.locator("svg a.mp-edge").count() == 3
        assert graph.locator("svg path.mp-edge-line[marker-end]").count() == 3
        assert graph.get_by_role("link", name=re.compile("stale, subscriptions: 2")).count() == 1
        assert graph.evaluate("window.ran") is None
        assert graph.evaluate("window.refused") == []
        assert graph.locator("svg img, svg script").count() == 0

    def test_searching_narrows_graph_and_table(self, graph):
        graph.get_by_label("Find a model").fill("model A")

        # The model, and the one that its subscriptions lead to.
        assert graph.locator("svg a.mp-node:not(.mp-faded)").count() == 2
        assert graph.locator("svg a.mp-edge:not(.mp-faded)").count() == 1
        assert graph.locator("#edges-table tbody tr:visible").count() == 1
        assert graph.locator("#found").inner_text() == "1 of 4 models"

    def test_what_was_found_can_be_shown_alone(self, graph):
        assert graph.locator("#around").is_hidden()
        graph.get_by_label("Find a model").fill("model A")
        graph.get_by_role("link", name="Centre on a").click()

        graph.wait_for_url(re.compile(r"chains/\?model_id=a"))
        graph.locator("svg a.mp-node-chosen").wait_for()

    def test_the_keyboard_goes_from_one_to_the_next_and_opens_it(self, graph):
        graph.get_by_label("Find a model").fill("Model a")
        graph.keyboard.press("Enter")
        graph.keyboard.press("ArrowRight")
        graph.keyboard.press("Enter")

        graph.wait_for_url(re.compile(r"/eventsubscription/\?.*source__id__exact=a"))
        assert graph.locator("#result_list tbody tr, .mp-list table tbody tr").count() == 2

    def test_a_click_opens_the_model(self, graph):
        graph.get_by_role("link", name=re.compile("^Model c")).click()

        graph.wait_for_url("**/model/c/change/")

    def test_it_zooms_and_moves(self, graph):
        svg = graph.locator("#graph svg")
        before = svg.get_attribute("viewBox")
        graph.get_by_role("button", name="Zoom in").click()
        larger = svg.get_attribute("viewBox")
        box = svg.bounding_box()
        graph.mouse.move(box["x"] + 20, box["y"] + 20)
        graph.mouse.down()
        graph.mouse.move(box["x"] + 120, box["y"] + 60)
        graph.mouse.up()

        assert len({before, larger, svg.get_attribute("viewBox")}) == 3

    def test_a_models_page_leads_to_it(self, graph):
        graph.goto(page_url(make_active_model("d")))
        graph.get_by_role("main").get_by_role("link", name="Graph").click()
        graph.locator("svg a.mp-node-chosen").wait_for()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_has_labels_contrast_and_an_order(self, chain, open_as_staff, scheme):
        page = open_as_staff(scheme=scheme)
        page.goto(PAGE)
        page.locator("#graph svg").wait_for()
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
