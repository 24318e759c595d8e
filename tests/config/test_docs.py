"""The guide at /docs/: its links, anchors and contents; and the files that it names are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from config.docs import pages

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(pages.names())
every_page = pytest.mark.parametrize("name", NAMES)
# Paths that Markdown shows as code, and after them, in brackets, the names that the file defines.
NAMED = re.compile(
    r"`((?:config|models_registry|subscriptions|tests|requirements)/[\w./-]*)`"
    r"(?:\s\(((?:`\w+`(?:,\s)?)+)\))?"
)


class _Html(HTMLParser):
    """Keeps what a page points to and what can be pointed to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.headings: list[str] = []
        self.contents: list[str] = []
        self.inline: list[str] = []
        self._in_contents = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        target = given.get("href") or given.get("src")
        if target:
            self.links.append(target)
        if given.get("id"):
            self.anchors.append(str(given["id"]))
        if tag in {"h2", "h3"}:
            self.headings.append(str(given["id"]))
        if tag == "nav":
            self._in_contents = given.get("class") == "mp-toc"
        if self._in_contents and target:
            self.contents.append(target)
        if "style" in given or (tag in {"script", "style"} and "src" not in given):
            self.inline.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "nav":
            self._in_contents = False


def _address(name: str) -> str:
    return reverse("guide") if name == pages.INDEX else reverse("guide-page", args=[name])


@cache
def _shown(address: str) -> _Html:
    """Return a page as anybody gets it; these tests have no database, so it needs none."""
    response = Client().get(address)
    assert response.status_code == 200, address
    return _Html(response.content.decode())


def _source(name: str) -> str:
    return (pages.FOLDER / f"{name}.md").read_text(encoding="utf-8")


# --- As it is served --------------------------------------------------------------------------
@every_page
def test_every_link_and_anchor_leads_somewhere(name):
    address = _address(name)
    for link in _shown(address).links:
        url = urlsplit(link)
        if url.scheme:
            assert url.scheme == "https", link
        elif url.path.startswith("/static/"):
            assert finders.find(url.path.removeprefix("/static/")), link
        elif url.path.startswith("/docs/") or not url.path:
            there = _shown(url.path or address)
            assert not url.fragment or url.fragment in there.anchors, link
        else:
            assert url.path in {"/v2/docs", "/v2/redoc", "/admin/"}, link


@every_page
def test_the_table_of_contents_is_the_headings(name):
    page = _shown(_address(name))
    assert page.contents == [f"#{anchor}" for anchor in page.headings]
    assert page.headings
    assert len(page.anchors) == len(set(page.anchors))


def test_every_page_is_reached_from_the_index_by_its_own_title_or_a_longer_one():
    linked = [link for _, links in pages.navigation() for link in links]
    assert sorted(link.address for link in linked) == sorted(
        _address(name) for name in NAMES if name != pages.INDEX
    )
    assert {link.address for link in linked} <= set(_shown("/docs/").links)
    for link in linked:
        page = pages.page(link.address.split("/")[-2])
        assert page is not None
        assert page.title.partition(":")[0] in link.title


@every_page
def test_a_page_has_no_script_and_no_style_of_its_own(name):
    assert _shown(_address(name)).inline == []


def test_markup_in_a_page_is_shown_and_not_run():
    assert "<b>" not in pages.MARKDOWN.render("<b>loud</b>")


@pytest.mark.parametrize("path", ["/docs/nowhere/", "/docs/../settings/", "/docs/README.md/"])
def test_what_is_no_page_is_not_found(path):
    assert Client().get(path).status_code == 404


def test_the_guide_is_only_read():
    assert Client().get("/docs").headers["Location"] == "/docs/"
    assert Client().head("/docs/").status_code == 200
    assert Client().post("/docs/").status_code == 405


# --- As a repository browser shows it ---------------------------------------------------------
@pytest.mark.parametrize("path", ["README.md", *(f"config/docs/{name}.md" for name in NAMES)])
def test_every_link_is_also_one_between_files(path):
    text = re.sub(r"```.*?```", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    for target in targets:
        url = urlsplit(target)
        if url.scheme or not url.path:
            continue
        found = (ROOT / path).parent / url.path
        assert found.is_file(), target
        # What the service shows lies beside the page, or among the static files.
        assert path == "README.md" or "/" not in url.path or url.path.startswith(pages.STATIC)
        if url.fragment:
            assert url.fragment in _shown(_address(found.stem)).anchors, target


# --- What it says of the code -----------------------------------------------------------------
def _defined(path: str) -> set[str]:
    """Return what a module defines at its top, and the methods of its classes."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {each.id for each in targets if isinstance(each, ast.Name)}
    return names


@every_page
def test_every_file_that_is_named_is_there_and_defines_what_is_said(name):
    for path, defines in NAMED.findall(_source(name)):
        assert (ROOT / path).exists(), path
        said = set(re.findall(r"`(\w+)`", defines))
        assert not said or said <= _defined(path), path


def test_the_way_of_a_put_passes_both_apps_and_what_puts_them_together():
    paths = [path for path, _ in NAMED.findall(_source("put"))]
    assert len(set(paths)) > 30
    assert {path.split("/")[0] for path in paths} >= {"config", "models_registry", "subscriptions"}


# A recipe's example: every module of the product that mentions it is in the recipe.
EXAMPLES = {
    "A handler type": r"\bLambdaHandler\b(?!\")",
    "A trigger event": r"inference_complete|INFERENCE_COMPLETE",
    "An operation": r"\bretry_job\b|\bRerunViewSet\b",
    "A queue": r"[\"']background[\"']|-Q \S*background",
    "A setting": r"\bJOBS_IN_FLIGHT_PER_MODEL\b",
}
DEMO = "config/embedded/demo"


@pytest.mark.parametrize(("recipe", "example"), EXAMPLES.items(), ids=list(EXAMPLES))
def test_a_recipe_names_every_file_of_its_example(recipe, example):
    section = _source("recipes").partition(f"\n## {recipe}\n")[2].partition("\n## ")[0]
    named = {path for path, _ in NAMED.findall(section)}
    assert re.search(r"^1\. .*^2\. .*^3\. ", section, re.MULTILINE | re.DOTALL)
    assert {path for path in _product() if _mentions(path, example)} <= named


def test_a_field_of_a_model_is_at_most_eight_files():
    section = _source("recipes").partition("\n## A field\n")[2].partition("\n\nTo show")[0]
    named = {path for path, _ in NAMED.findall(section)}
    assert len(named) <= 8
    for path in named - {"models_registry/migrations/"}:
        assert _mentions(path, r"\bmetadata\b"), path


def _product() -> list[str]:
    paths = (
        str(path.relative_to(ROOT))
        for app in ("config", "models_registry", "subscriptions")
        for path in (ROOT / app).rglob("*")
        if path.suffix in {".py", ".service", ".yaml"} and "migrations" not in path.parts
    )
    return [path for path in paths if not path.startswith(DEMO)]


def _mentions(path: str, example: str) -> bool:
    return re.search(example, (ROOT / path).read_text(encoding="utf-8")) is not None
