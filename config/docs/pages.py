"""Renders the guide's Markdown: headings with anchors, a table of contents, links as served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.urls import reverse
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

FOLDER = Path(__file__).parent
INDEX = "README"
# What the pages show beside text lies among the static files; a page names it by its path.
STATIC = "../static/"


class Heading(NamedTuple):
    """A line of a page's table of contents."""

    level: int
    title: str
    anchor: str


class Link(NamedTuple):
    title: str
    address: str


@dataclass(frozen=True)
class Page:
    title: str
    html: str
    contents: tuple[Heading, ...]


@cache
def page(name: str) -> Page | None:
    """Return the page `name`.md, rendered once in a process; None where there is none."""
    if name not in names():
        return None
    tokens = _parsed(name)
    headings = list(_headings(tokens))
    return Page(
        title=next(each.title for each in headings if each.level == 1),
        html=MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}),
        contents=tuple(each for each in headings if each.level in {2, 3}),
    )


@cache
def names() -> frozenset[str]:
    return frozenset(path.stem for path in FOLDER.glob("*.md"))


@cache
def navigation() -> list[tuple[str, list[Link]]]:
    """Return the index's links under its headings: the order in which the pages are read."""
    groups: list[tuple[str, list[Link]]] = []
    tokens = _parsed(INDEX)
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h2":
            groups.append((_text(token), []))
        elif groups and token.type == "inline":
            groups[-1][1].extend(_first_link(token.children or []))
    return groups


def served(target: str) -> str:
    """Return the address at which the service has what a page names by `target`."""
    url = urlsplit(target)
    if url.scheme or not url.path:
        return target
    if url.path.startswith(STATIC):
        return static(url.path.removeprefix(STATIC))
    name = PurePosixPath(url.path).stem
    address = reverse("guide") if name == INDEX else reverse("guide-page", args=[name])
    return f"{address}#{url.fragment}" if url.fragment else address


def _parsed(name: str) -> list[Token]:
    """Return the tokens of a page, with its links as they are served."""
    tokens = MARKDOWN.parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    for token in tokens:
        for child in token.children or []:
            for attribute in {"href", "src"} & set(child.attrs):
                child.attrSet(attribute, served(str(child.attrs[attribute])))
            if child.attrs.get("class") == "header-anchor":
                child.attrSet("aria-label", f"Link to: {_text(token)}")
    return tokens


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            yield Heading(int(opening.tag[1]), _text(inline), str(opening.attrs["id"]))


def _text(inline: Token) -> str:
    """Return what a heading says, without its link to itself."""
    said = (each for each in inline.children or [] if each.type in {"text", "code_inline"})
    return "".join(each.content for each in said).strip()


def _first_link(children: Sequence[Token]) -> Iterator[Link]:
    for opening, text in pairwise(children):
        if opening.type == "link_open":
            yield Link(text.content, str(opening.attrs["href"]))
            return


# What is wider than the screen scrolls by itself, also by the keyboard.
def _open_table(*_: Any) -> str:
    return '<div class="mp-scroll" tabindex="0"><table class="mp-table">\n'


def _close_table(*_: Any) -> str:
    return "</table></div>\n"


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.use(anchors_plugin, max_level=4, permalink=True, permalinkSymbol="#")
    renderer: Any = markdown.renderer  # a protocol that does not name `rules`
    rules = renderer.rules
    rules.update(table_open=_open_table, table_close=_close_table)
    fence = rules["fence"]
    rules["fence"] = lambda *given: str(fence(*given)).replace("<pre>", '<pre tabindex="0">', 1)
    return markdown


MARKDOWN = _markdown()
