"""Verdicts on random pairs of contracts, checked with documents."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.contracts import check_payload
from models_registry.contracts.compare import compare

NUMBER, TEXT = {"type": "number"}, {"type": "string"}


LEAVES = st.sampled_from(
    [
        {},
        {"type": "integer"},
        NUMBER,
        TEXT,
        {"type": ["string", "null"]},
        {"minimum": 2},
        {"maximum": 2},
        {"enum": [1, "a", None]},
        {"const": 1},
        {"minLength": 1},
        {"pattern": "^a"},
        {"multipleOf": 2},
        False,
    ]
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    return st.one_of(
        st.fixed_dictionaries(
            {"properties": members},
            optional={
                "type": st.just("object"),
                "required": st.sampled_from([["a"], ["b"], ["a", "b"]]),
                "additionalProperties": st.sampled_from([False, {"type": "integer"}]),
                "dependentRequired": st.just({"a": ["b"]}),
            },
        ),
        st.fixed_dictionaries({"items": inner}, optional={"minItems": st.just(1)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"if": inner, "then": inner}),
    )


CONTRACTS = st.recursive(LEAVES, _nested, max_leaves=5).filter(lambda one: isinstance(one, dict))
SIMPLE = [None, True, 0, 1, 2, 2.5, "", "a", "b", [], {}]
DOCUMENTS = [
    *SIMPLE,
    *([one] for one in SIMPLE),
    *({name: one} for name in "abc" for one in SIMPLE),
    *({"a": one, "b": other} for one in SIMPLE for other in SIMPLE),
]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(before=CONTRACTS, after=CONTRACTS)
def test_a_verdict_is_never_contradicted_by_a_document(before, after):
    """Sound both ways: no document breaks what is called compatible; a witness is one."""
    comparison = compare(before, after, direction="input")
    broken = [
        document
        for document in DOCUMENTS
        if not check_payload(before, document) and check_payload(after, document)
    ]
    if comparison["verdict"] == "incompatible":
        broken = [comparison["witness"]["value"]]
        assert not check_payload(before, broken[0])
        assert check_payload(after, broken[0])
    if comparison["verdict"] == "compatible":
        assert broken == []
    assert comparison["changed"] or broken == []
