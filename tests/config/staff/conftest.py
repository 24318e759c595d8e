"""Staff of each kind, and a browser that is logged in as one of them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.chromium import chromium_path

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
# Keeps what the page's policy refused.
WATCH = """window.refused = [];
addEventListener("securitypolicyviolation", (event) => window.refused.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


def make_user(name: str, group: str | None = None) -> User:
    """Make a member of staff; without a group, one who may do everything."""
    # A test that ran before may have emptied every table, the migration's groups included.
    importlib.import_module("config.migrations.0001_staff_groups").make_groups(apps)
    if group is None:
        return User.objects.create_superuser(name, password="not a secret")
    user = User.objects.create_user(name, password="not a secret", is_staff=True)
    user.groups.add(Group.objects.get(name=f"Modelpact {group}"))
    return user


@pytest.fixture
def log_in(db: None) -> Callable[..., Client]:
    """A client for a new member of the group of this name, such as "viewers"; None: of all."""

    def make(group: str | None = None, **options: bool) -> Client:
        client = Client(**options)
        client.force_login(make_user(f"staff of {group}", group))
        return client

    return make


@pytest.fixture
def staff(log_in: Callable[..., Client]) -> Client:
    return log_in()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs a loop of its own in this thread; Django would take that for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_as_staff(
    browser: Browser, live_server: object, staff: Client
) -> Iterator[Callable[..., Page]]:
    """A page of a browser that is logged in; `narrow` and `scheme` say how it looks."""
    contexts: list[BrowserContext] = []

    def make(*, narrow: bool = False, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport=NARROW if narrow else WIDE,
            color_scheme=scheme,
            base_url=live_server.url,
        )
        contexts.append(context)
        context.add_init_script(WATCH)
        cookie = staff.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
