"""Canonical JSON by RFC 8785, and the fingerprints of interfaces."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.contracts import canonical_json, fingerprint, interface_fingerprint
from models_registry.contracts.fingerprints import fingerprint_of_json

HANDLER = {"type": "lambda", "arn": "arn:aws:lambda:us-west-2:123456789012:function:train"}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda items: st.lists(items) | st.dictionaries(st.text(max_size=3), items),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_in_appendix_b_of_rfc_8785(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == text.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinities_are_refused(number):
    """RFC 8785, appendix B: "Note (3)" and "(4)"."""
    with pytest.raises(ValueError):
        canonical_json({"a": [number]})


def test_the_example_of_rfc_8785_section_3_2_2():
    text = r"""{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"""
    assert canonical_json(json.loads(text)).decode() == (
        '{"literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_ordered_as_in_rfc_8785_section_3_2_3():
    unordered = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, "ö": 7}
    assert list(json.loads(canonical_json(unordered))) == [
        "\r",
        "1",
        "\u0080",
        "ö",
        "€",
        "😀",
        "\ufb33",
    ]


def test_control_characters_are_written_as_rfc_8785_has_them():
    assert canonical_json("\b\t\n\f\r\x00\x1f\x7f/") == b'"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f/"'


@given(JSON)
def test_key_order_does_not_matter(value):
    def turned(item):
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return [turned(part) for part in item] if isinstance(item, list) else item

    assert canonical_json(value) == canonical_json(turned(value))


@given(JSON, JSON)
def test_equal_values_have_one_text_and_different_values_another(one, other):
    def told_apart(value):
        """Equal as JSON: Python takes True for 1."""
        if isinstance(value, bool):
            return ("bool", value)
        if isinstance(value, list):
            return [told_apart(item) for item in value]
        if isinstance(value, dict):
            return {key: told_apart(item) for key, item in value.items()}
        return value

    equal = told_apart(one) == told_apart(other)
    assert (canonical_json(one) == canonical_json(other)) is equal


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-2000, 2000))
def test_integers_that_no_double_represents_have_different_texts(integer, step):
    for near in (integer + step, float(integer)):
        assert (canonical_json(near) == canonical_json(integer)) is (near == integer)


@given(JSON)
def test_the_text_is_json_of_the_same_value(value):
    def number(text):
        """Only what no double can hold is written with the exponent 0."""
        return int(text[:-2]) if text.endswith("e0") else float(text)

    text = canonical_json(value)
    assert json.loads(text, parse_float=number, parse_int=float) == value


def test_one_and_one_point_zero_have_the_same_fingerprint():
    """ "compared as JSON values (key order, whitespace and `1`/`1.0` do not matter)" """
    assert fingerprint({"minimum": 1, "a": 2}) == fingerprint({"a": 2.0, "minimum": 1.0})
    assert fingerprint(1) != fingerprint(True)


@given(JSON)
def test_the_fast_way_for_json_that_was_read_leads_to_the_same_fingerprint(value):
    assert fingerprint_of_json(value) == fingerprint(value)


@pytest.mark.parametrize(
    "value",
    [7.0, {"a": 0.0}, [1e20], 9007199254740993, -(10**16), {"é": 1, "\U00010000": 2, "\uffff": 3}],
)
def test_what_can_be_written_in_two_ways_has_one_fingerprint_by_the_fast_way_too(value):
    for shown in (value, {"deep": [value]}):
        assert fingerprint_of_json(shown) == fingerprint(shown)


def test_a_fingerprint_never_changes():
    """It is stored; a change would make every subscription stale."""
    assert fingerprint({"type": "object", "required": ["a"], "maximum": 1.50}) == (
        "a8f266e7ef27010bfd7b3360be5cf380243218a6cdb75900e57649f2a453900f"
    )


ANNOTATIONS = {
    "title": "t",
    "description": "d",
    "$comment": "c",
    "examples": [1],
    "deprecated": True,
    "readOnly": True,
    "writeOnly": False,
}


@pytest.mark.parametrize("place", ["", "properties", "items", "allOf", "$defs", "not"])
def test_annotations_are_left_out_wherever_a_subschema_stands(place):
    def around(schema):
        wrapped = {"properties": {"a": schema}, "$defs": {"a": schema}, "allOf": [schema]}
        return {place: wrapped.get(place, schema)} if place else schema

    bare, annotated = around({"type": "string"}), around({"type": "string", **ANNOTATIONS})
    assert interface_fingerprint(schema=bare, handler=HANDLER) == interface_fingerprint(
        schema=annotated, handler=HANDLER
    )


@pytest.mark.parametrize("name", sorted(ANNOTATIONS))
@pytest.mark.parametrize(
    "holder",
    [
        lambda name, value: {"properties": {name: {"const": value}}},
        lambda name, value: {"patternProperties": {name: {"const": value}}},
        lambda name, value: {"$defs": {name: {"const": value}}},
        lambda name, value: {"dependentSchemas": {name: {"const": value}}},
        lambda name, value: {"const": {name: value}},
        lambda name, value: {"enum": [{name: value}]},
        lambda name, value: {"default": {name: value}},
        lambda name, value: {"x-unknown": {name: value}},
    ],
)
def test_the_same_words_as_names_or_in_data_count(holder, name):
    one, other = holder(name, "1"), holder(name, "2")
    assert interface_fingerprint(schema=one, handler=HANDLER) != interface_fingerprint(
        schema=other, handler=HANDLER
    )


def test_default_and_format_count():
    """The API page lists what is left out; these are not on the list."""
    for keyword in ("default", "format"):
        with_it = interface_fingerprint(schema={keyword: "a"}, handler=HANDLER)
        assert with_it != interface_fingerprint(schema={}, handler=HANDLER)


def test_without_a_schema_the_handler_is_the_interface():
    """ "its schema if one is set, else its handler for the action" """
    by_handler = interface_fingerprint(schema=None, handler=HANDLER)
    assert by_handler != interface_fingerprint(schema=None, handler={**HANDLER, "version": "2"})
    assert by_handler != interface_fingerprint(schema=HANDLER, handler=HANDLER)
    assert interface_fingerprint(schema={}, handler=HANDLER) == interface_fingerprint(
        schema={}, handler={}
    )
