"""The OpenAPI pages and the guide in a real browser: they work, and load nothing from elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

from config.docs.pages import FOLDER
from tests.chromium import chromium_path
from tests.tokens import token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    # Playwright runs a loop of its own in this thread; Django would take that for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser.new_page()
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def narrow(page: Page) -> Iterator[Page]:
    """The page on a telephone's screen."""
    before = page.viewport_size
    assert before is not None
    page.set_viewport_size({"width": 390, "height": 844})
    yield page
    page.set_viewport_size(before)


@pytest.fixture
def answered(page: Page) -> Iterator[list[Any]]:
    """Every answer that the page got; what a policy blocks is never asked for."""
    answers: list[Any] = []

    def keep(answer: Any) -> None:
        answers.append(answer)

    page.on("response", keep)
    yield answers
    page.remove_listener("response", keep)


def test_one_paste_of_a_token_lets_the_documented_examples_run(page, live_server, active_model):
    page.goto(f"{live_server.url}/v2/docs")
    page.click("button.authorize")
    page.fill(".modal-ux input", token())
    page.click(".modal-ux button.authorize")
    page.click(".modal-ux button.btn-done")

    operation = page.locator("#operations-Models-updateModel")
    operation.locator(".opblock-summary-control").click()
    operation.locator(".try-out__btn").click()
    operation.locator("tr[data-param-name=model_id] input").fill(active_model.pk)
    operation.locator(".execute").click()

    answer = operation.locator(".live-responses-table .response").first
    assert answer.locator(".response-col_status").inner_text().startswith("200")
    assert '"status": "pending"' in answer.inner_text()


@pytest.mark.parametrize(
    ("path", "shown"), [("/v2/docs", ".opblock"), ("/v2/redoc", "h1"), ("/docs/", "h1")]
)
def test_a_page_loads_nothing_from_elsewhere(page, live_server, answered, path, shown):
    page.goto(f"{live_server.url}{path}")
    page.locator(shown).first.wait_for()

    hosts = {urlsplit(answer.url).netloc for answer in answered if answer.url.startswith("http")}
    assert hosts == {urlsplit(live_server.url).netloc}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/v2/docs", "/v2/redoc", "/docs/api/"])
def test_a_page_asks_for_nothing_that_its_policy_refuses_and_nothing_that_is_not_there(
    page, live_server, answered, path, scheme
):
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{live_server.url}{path}")
    page.get_by_role("heading", name="Getting a token").first.wait_for()
    page.wait_for_load_state("networkidle")

    assert [text for text in faults if "Content Security Policy" in text] == []
    assert [answer.url for answer in answered if answer.status >= 400] == []


@pytest.mark.parametrize(("scheme", "is_light"), [("light", True), ("dark", False)])
@pytest.mark.parametrize("path", ["/v2/docs", "/v2/redoc", "/docs/api/"])
def test_a_page_is_dark_where_the_readers_system_is(page, live_server, path, scheme, is_light):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{live_server.url}{path}")
    page.get_by_role("heading", name="Getting a token").first.wait_for()

    ground = _painted(page, "getComputedStyle(document.body).backgroundColor")
    words = _painted(page, "getComputedStyle(document.querySelector('h1, h2')).color")
    # Nothing painted is a browser's white.
    assert (_lightness(ground) > 128) is is_light
    assert (_lightness(words) < 128) is is_light


def _painted(page: Page, colour: str) -> list[int]:
    """Return red, green, blue and alpha of a colour, in whichever notation the page has it."""
    painted: list[int] = page.evaluate(
        """colour => {
            const canvas = document.createElement("canvas").getContext("2d");
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
        }""",
        page.evaluate(colour),
    )
    return painted


def _lightness(colour: list[int]) -> float:
    """Return the mean of red, green and blue; a colour that lets all through is white."""
    *rgb, alpha = colour
    return 255 if alpha == 0 else sum(rgb) / 3


@pytest.mark.parametrize("path", ["/v2/docs", "/v2/redoc"])
def test_both_pages_begin_with_the_guide(page, live_server, path):
    page.goto(f"{live_server.url}{path}")
    shown = page.get_by_role("heading", level=2)
    shown.get_by_text("Getting a token").first.wait_for()
    headings = re.findall(
        r"^## (.+)$", (FOLDER / "api.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(headings) == 8
    texts = [text.strip() for text in shown.all_inner_texts()]
    assert set(headings) <= set(texts)


@pytest.mark.parametrize("path", ["/v2/docs", "/v2/redoc", "/docs/api/"])
def test_a_narrow_screen_shows_a_page_without_scrolling_sideways(narrow, live_server, path):
    page = narrow
    page.goto(f"{live_server.url}{path}")
    page.get_by_role("heading", name="Getting a token").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_guide_leaves_the_operations_on_the_first_screen(page, live_server):
    page.goto(f"{live_server.url}/v2/docs")
    operations = page.locator("#operations-tag-Models")
    operations.wait_for()
    assert operations.bounding_box()["y"] < page.viewport_size["height"]
