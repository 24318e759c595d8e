"""The OpenAPI pages in a real browser: they work, and load nothing from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

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


@pytest.mark.parametrize(("path", "shown"), [("/v2/docs", ".opblock"), ("/v2/redoc", "h1")])
def test_a_page_loads_nothing_from_elsewhere(page, live_server, answered, path, shown):
    page.goto(f"{live_server.url}{path}")
    page.locator(shown).first.wait_for()

    hosts = {urlsplit(answer.url).netloc for answer in answered if answer.url.startswith("http")}
    assert hosts == {urlsplit(live_server.url).netloc}
