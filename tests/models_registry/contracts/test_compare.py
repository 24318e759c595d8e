"""Comparing contracts: proved compatible, refuted by a counterexample, or unknown."""

from __future__ import annotations

import time
from typing import Any

import pytest

from models_registry.contracts import check_payload
from models_registry.contracts.compare import compare, edge, proofs, verdict
from models_registry.contracts.documents import check_contract

NUMBER, TEXT = {"type": "number"}, {"type": "string"}


def _object(*required: str, closed: bool = False, **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return {**schema, "additionalProperties": False} if closed else schema


def _verdicts(comparison: Any) -> tuple[str, str]:
    return comparison["verdict"], comparison["lenient_verdict"]


# --- Verdicts -------------------------------------------------------------------------------


def test_an_input_that_takes_more_is_compatible_and_an_output_that_gives_more_is_not():
    one, more = _object(a=NUMBER, closed=True), _object(a=NUMBER, b=TEXT, closed=True)

    assert compare(one, more, direction="input")["verdict"] == "compatible"
    assert compare(one, more, direction="output")["verdict"] == "incompatible"
    assert compare(more, one, direction="input")["verdict"] == "incompatible"
    assert compare(more, one, direction="output")["verdict"] == "compatible"


def test_a_new_optional_property_of_an_open_object_is_incompatible_only_strictly():
    """A payload may carry the name already; with unlisted names left out, none does."""
    comparison = compare(_object(a=NUMBER), _object(a=NUMBER, b=TEXT), direction="input")

    assert _verdicts(comparison) == ("incompatible", "compatible")
    witness = comparison["witness"]["value"]
    assert not isinstance(witness["b"], str)


def test_a_new_required_property_is_incompatible_in_a_closed_world_too():
    comparison = compare(_object(a=NUMBER), _object("b", a=NUMBER, b=TEXT), direction="input")

    assert _verdicts(comparison) == ("incompatible", "incompatible")
    assert "b" not in comparison["lenient_witness"]["value"]


@pytest.mark.parametrize("direction", ["input", "output"])
def test_a_schema_that_is_set_or_removed_is_one_change(direction):
    verdicts = {
        (before is None): compare(before, after, direction=direction)["verdict"]
        for before, after in ((None, _object("a")), (_object("a"), None))
    }

    assert verdicts == {
        True: "incompatible" if direction == "input" else "compatible",
        False: "compatible" if direction == "input" else "incompatible",
    }


def test_each_change_has_the_verdict_it_would_have_alone():
    before = _object(a={"maximum": 9}, b={"maximum": 9})
    after = _object(a={"maximum": 8}, b={"maximum": 10})
    comparison = compare(before, after, direction="input")

    assert [(each["pointer"], each["verdict"]) for each in comparison["changes"]] == [
        ("/properties/a/maximum", "incompatible"),
        ("/properties/b/maximum", "compatible"),
    ]
    assert comparison["verdict"] == "incompatible"


def test_each_incompatible_change_has_a_counterexample():
    """ "Every incompatible comes with a witness." """
    before = _object(a={"maximum": 9}, b={"enum": [1, 2, 3]}, c=TEXT)
    after = _object("c", a={"maximum": 8}, b={"enum": [1, 3, 4]}, c=TEXT, d=TEXT)
    comparison = compare(before, after, direction="input")

    shown = {each["kind"]: each for each in comparison["changes"]}
    assert {kind: (each["verdict"], each["lenient_verdict"]) for kind, each in shown.items()} == {
        "now_required": ("incompatible", "incompatible"),
        "bound_tightened": ("incompatible", "incompatible"),
        "enum_value_removed": ("incompatible", "incompatible"),
        "enum_value_added": ("compatible", "compatible"),
        "property_added": ("incompatible", "compatible"),
    }
    for each in shown.values():
        assert ("witness" in each) is (each["verdict"] == "incompatible")
        assert ("lenient_witness" in each) is (each["lenient_verdict"] == "incompatible")
    assert shown["enum_value_removed"]["witness"]["value"]["b"] == 2
    assert shown["bound_tightened"]["witness"]["value"]["a"] > 8
    assert "c" not in shown["now_required"]["lenient_witness"]["value"]


def test_counterexamples_of_changes_are_bounded_together_and_the_rest_is_unknown(monkeypatch):
    monkeypatch.setattr(verdict, "COUNTEREXAMPLES_BYTES", 300)
    names = "abcdefgh"
    comparison = compare(
        _object(**{name: {"maximum": 9} for name in names}),
        _object(**{name: {"maximum": 8} for name in names}),
        direction="input",
    )

    verdicts = [each["verdict"] for each in comparison["changes"]]
    assert comparison["verdict"] == verdicts[0] == "incompatible"
    assert verdicts[-1] == "unknown"


def test_with_only_objects_other_payloads_do_not_count():
    for schema in ({"type": "object"}, {"type": ["object", "string"]}):
        assert compare(None, schema, direction="input")["verdict"] == "incompatible"
        alone = compare(None, schema, direction="input", only_objects=True)
        assert alone["verdict"] == "compatible"
    never = compare(None, TEXT, direction="input", only_objects=True)
    assert (never["verdict"], never["never_accepts"]) == ("incompatible", True)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (True, False, 'The property "p" took anything and now takes nothing at all.'),
        (
            {"anyOf": [TEXT, {"type": "null"}]},
            {"anyOf": [{"type": "null", "title": "None"}]},
            'Gone from `anyOf`: {"type":"string"}.',
        ),
        (
            {"anyOf": [TEXT, {"type": "null"}]},
            {"anyOf": [{"type": "null"}, TEXT, NUMBER]},
            'New in `anyOf`: {"type":"number"}.',
        ),
    ],
)
def test_a_schema_replaced_as_a_whole_is_described_in_words(before, after, message):
    (change,) = compare(
        {"properties": {"p": before}}, {"properties": {"p": after}}, direction="input"
    )["changes"]

    assert change["message"] == message


def test_an_added_condition_is_one_change_with_a_counterexample():
    condition = {"if": {"required": ["a"]}, "then": {"required": ["b"]}}
    (change,) = compare({}, condition, direction="input")["changes"]

    assert (change["kind"], change["verdict"]) == ("if_added", "incompatible")
    assert change["message"].startswith('A condition is new: {"if":')
    (change,) = compare(condition, {}, direction="output")["changes"]
    assert (change["kind"], change["verdict"]) == ("if_removed", "incompatible")


def test_a_keyword_that_is_known_is_never_called_unknown():
    empty = {"properties": {}, "patternProperties": {}, "$defs": {}, "dependentSchemas": {}}
    changes = compare({}, empty, direction="input")["changes"]

    assert {each["verdict"] for each in changes} == {"compatible"}
    assert not any("unknown" in each["kind"] for each in changes)


def test_alternatives_in_another_order_are_one_change_that_is_compatible():
    before, after = {"anyOf": [TEXT, NUMBER]}, {"anyOf": [NUMBER, TEXT]}
    (change,) = compare(before, after, direction="input")["changes"]

    assert (change["pointer"], change["verdict"]) == ("/anyOf", "compatible")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"allOf": [_object(a=NUMBER)], "unevaluatedProperties": False},
            {"allOf": [_object(a={"type": "integer"})], "unevaluatedProperties": False},
        ),
        (
            {"items": {"type": "array"}, "type": "array", "minItems": 2, "uniqueItems": True},
            {
                "items": {"type": "array", "items": {"const": []}},
                "type": "array",
                "minItems": 2,
                "uniqueItems": True,
            },
        ),
        (
            {"items": _object("b", a=TEXT), "unevaluatedItems": False},
            {"items": _object("b", a=NUMBER), "unevaluatedItems": False},
        ),
    ],
)
def test_counterexamples_are_found_beside_unevaluated_keywords(before, after):
    assert compare(before, after, direction="input")["verdict"] == "incompatible"


def test_the_same_written_in_another_way_is_no_change():
    before = {"type": "object", "title": "One", "properties": {"a": {"maximum": 1}}}
    after = {"properties": {"a": {"maximum": 1.0}}, "type": "object"}

    assert not compare(before, after, direction="input")["changed"]


def test_an_order_that_means_nothing_is_a_compatible_change():
    comparison = compare({"enum": [1, 2]}, {"enum": [2, 1]}, direction="input")

    assert comparison["changed"]
    assert comparison["verdict"] == "compatible"


@pytest.mark.parametrize(
    "schema",
    [{"type": "string", "enum": [1]}, {"not": {}}, {"minimum": 3, "maximum": 2, "type": "number"}],
)
def test_a_schema_that_accepts_nothing_is_known_for_it(schema):
    assert compare({}, schema, direction="input")["never_accepts"] is True
    assert compare(schema, {}, direction="input")["never_accepts"] is False


def test_a_format_refuses_nothing_here():
    """2020-12 takes `format` as an annotation; so does the check of payloads."""
    before, after = {"format": "date"}, {"format": "email"}

    assert check_payload(after, "2026-01-01") == []
    assert compare(before, after, direction="input")["verdict"] != "incompatible"


# --- What is not proved -----------------------------------------------------------------------


def test_without_a_proof_compatible_becomes_unknown_and_a_counterexample_stays(monkeypatch):
    monkeypatch.setattr(proofs, "SECONDS", 0.0)

    assert compare({"maximum": 1}, {"maximum": 2}, direction="input")["verdict"] == "unknown"
    assert compare({"maximum": 2}, {"maximum": 1}, direction="input")["verdict"] == "incompatible"


def test_a_prover_that_dies_proves_nothing(monkeypatch, tmp_path):
    dead = tmp_path / "prover.py"
    dead.write_text("raise SystemExit(3)")
    monkeypatch.setattr(proofs, "PROVER", dead)

    assert compare({"maximum": 1}, {"maximum": 2}, direction="input")["verdict"] == "unknown"


def test_contracts_of_the_largest_size_are_compared_in_bounded_time():
    """A bound that stands in the code: searches have budgets, proofs a time limit of their own."""
    names = [f"name_{number}" for number in range(1500)]
    before = _object(**{name: {"type": "number", "maximum": 9} for name in names})
    after = _object(**{name: {"type": "number", "maximum": 8} for name in names})
    check_contract(before)
    begun = time.process_time()
    comparison = compare(before, after, direction="input")

    assert comparison["verdict"] in {"incompatible", "unknown"}
    assert len(comparison["changes"]) == 500
    assert {each["verdict"] for each in comparison["changes"][100:]} == {"unknown"}
    # Of this process alone, and ten times what it takes: it guards against no end, not slowness.
    assert time.process_time() - begun < 40


# --- Edges ----------------------------------------------------------------------------------


def test_an_edge_without_a_common_name_is_said_to_share_none():
    report = edge(_object(model_path=TEXT), _object(features={"type": "array"}))

    assert report["shares_no_field"] is True
    assert report["lenient_verdict"] == "compatible"


def test_an_edge_of_which_one_side_lists_no_names_is_not():
    assert edge(_object(a=TEXT), {"type": "object"})["shares_no_field"] is False


def test_names_are_found_behind_references_and_combinations():
    output = {"$ref": "#/$defs/o", "$defs": {"o": {"allOf": [_object(a=TEXT)]}}}

    assert edge(output, _object(a=TEXT))["shares_no_field"] is False
    assert edge(output, _object(b=TEXT))["shares_no_field"] is True
