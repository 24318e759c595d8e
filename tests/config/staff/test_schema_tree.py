"""Contracts as trees: everything that a reader needs, and never more than a page bears."""

from __future__ import annotations

import re

import pytest

from config.staff.schema_tree import NODES_LIMIT, schema_tree


def words(schema: object) -> str:
    """The text of a tree, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", schema_tree(schema)).split())


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (True, "value anything"),
        (False, "value nothing"),
        ({"type": ["string", "null"]}, "value string or null"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}, "value integer ≥ 1 &lt; 9"),
        ({"type": "string", "maxLength": 5}, "value string characters ≤ 5"),
        ({"enum": ["a", 1, None]}, "value one of a, 1, null"),
        ({"$ref": "#/$defs/x"}, "value see #/$defs/x"),
        ({"type": "array", "items": {"type": "number"}}, "value array each item number"),
        (
            {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}}},
            "value object a string required b anything required",
        ),
        ({"additionalProperties": False}, "value no other properties"),
        ({"anyOf": [{"type": "null"}, True]}, "value any of (1) null any of (2) anything"),
        ({"not": {"const": 3}}, "value not constant 3"),
        ({"dependentRequired": {"a": ["b"]}}, "value a requires b"),
    ],
)
def test_a_schema_reads_as(schema, text):
    assert words(schema) == text


def test_what_callers_write_is_never_html():
    text = '<img src=x onerror="alert(1)">'
    tree = schema_tree({"title": text, "properties": {text: {"enum": [text], "pattern": text}}})

    assert "<img" not in tree


def test_a_huge_schema_is_cut_off():
    tree = words({"properties": {f"p{number}": True for number in range(5000)}})

    assert tree.count("anything") <= NODES_LIMIT
    assert tree.endswith("… and more")


def test_a_schema_as_deep_as_may_be_can_be_shown(settings):
    schema: dict[str, object] = {}
    for _ in range(settings.SCHEMA_DEPTH_LIMIT):
        schema = {"items": schema}

    assert words(schema).count("each item") == settings.SCHEMA_DEPTH_LIMIT
