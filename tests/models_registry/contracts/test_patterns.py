"""The regular expressions of a contract (H10): which may be used, and what they may cost."""

from __future__ import annotations

import re

import pytest

from models_registry.contracts import check_contract, check_payload, documents, payloads
from models_registry.contracts.patterns import positions


def paths(schema: object) -> list[str]:
    return [fault.path for fault in check_contract(schema)]


UNUSABLE = [
    "(",
    "[",
    "a{2,1}",
    "(?!a)b",
    "(?=a)b",
    "(?<=a)b",
    r"(a)\1",
    r"(?P<n>a)(?P=n)",
    "((a{1000}){1000}){1000}",
    r"\w{1,1000000}",
    "a{4294967296}",
    "(?#comment)",
    r"\Z",
    "a" * 1001,
]


@pytest.mark.parametrize("pattern", UNUSABLE)
def test_an_unusable_pattern_is_refused_where_it_stands(pattern):
    assert paths({"properties": {"a": {"pattern": pattern}}}) == ["/properties/a/pattern"]
    assert paths({"patternProperties": {pattern: {}}}) == [f"/patternProperties/{pattern}"]


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("^(a+)+$", "a" * 100_000, "a" * 100_000 + "!"),
        ("^(a|a)*$", "a" * 100_000, "a" * 100_000 + "!"),
        ("^([a-zA-Z]+)*$", "a" * 100_000, "a" * 100_000 + "!"),
        (r"^\p{L}+$", "äöü", "1"),
        (r"^(?<name>a)$", "a", "b"),
        ("^a$", "a", "a\n"),
        ("b", "abc", "ac"),
    ],
)
def test_patterns_match_as_in_ecmascript_and_in_linear_time(pattern, fits, fails):
    schema = {"pattern": pattern}
    assert check_contract(schema) == []
    assert check_payload(schema, fits) == []
    assert [fault.path for fault in check_payload(schema, fails)] == [""]


def test_user_patterns_never_reach_pythons_re(monkeypatch):
    """Neither when a contract is checked nor when a payload is."""
    check_contract({"pattern": "warm", "patternProperties": {"up": {}}})
    seen = []
    compile_pattern = re._compiler.compile

    def watched(pattern, *args):
        seen.append(pattern)
        return compile_pattern(pattern, *args)

    monkeypatch.setattr(re._compiler, "compile", watched)
    schema = {"pattern": "canary-1", "patternProperties": {"canary-2": {"pattern": "canary-3"}}}
    assert check_contract(schema) == []
    assert check_payload(schema, {"canary-2": "x"}) != []
    assert not [pattern for pattern in seen if "canary" in str(pattern)]


def test_there_may_be_so_many_patterns():
    schema = {"patternProperties": {f"a{n}": {} for n in range(documents.PATTERNS_LIMIT)}}
    assert check_contract(schema) == []
    schema["patternProperties"]["one more"] = {}
    assert paths(schema) == [""]


@pytest.mark.parametrize(
    ("pattern", "at_least", "at_most"),
    [
        ("", 0, 1),
        ("abc", 3, 4),
        ("[a-z0-9_]+", 1, 2),
        (r"\p{L}+", 1, 2),
        ("a{900}", 900, 901),
        ("a{2,900}", 900, 901),
        ("(ab|cd){10}", 40, 41),
        ("((a{10}){10}){10}", 1000, 1001),
        (r"\{10\}", 4, 5),
        ("[[]a{9}", 10, 11),
        ("[[:x]a]{9}", 10, 12),
        (r"[\]{9}]", 1, 2),
        ("(?<x>a){9}", 9, 50),
        ("(", 0, 1),
        ("a{999999999999}", 10**8, 10**9),
    ],
)
def test_the_positions_of_a_pattern_are_counted_with_repeats_expanded(pattern, at_least, at_most):
    assert at_least <= positions(pattern) <= at_most


@pytest.mark.parametrize(
    "pattern",
    [
        "(?x)[ab]*a[ab]#[\n{9000}c",
        "(?x)[ab]*a[ab]{9 000}c",
        "(?ix:[ab]*a[ab] {9000}c)",
        "[ab]*a(?x-i)[ab] {9000}c",
        "[ab]*a[ab]{ 9000}c",
        "[ab]*a[ab]{9000 }c",
        "[ab]*a[ab]{1,\t9000}c",
        "[ab]*a[ab]{\u20039000}c",
        "[]{9000}a]",
        "[^]{9000}a]",
    ],
)
def test_a_pattern_that_is_read_in_two_ways_is_refused_and_never_run(pattern):
    """What costs would be counted in one way, and run in the other."""
    schema = {"properties": {"a": {"pattern": pattern}}}
    assert paths(schema) == ["/properties/a/pattern"]
    assert positions(pattern) >= 9000
    assert check_payload(schema, {"a": "a"}) == [payloads.UNUSABLE]  # were it stored from earlier


@pytest.mark.parametrize(
    "pattern",
    [r"\<a\>", r"\Aa", r"a\z", r"\U00000041", r"\x{41}", r"\b{start}a", r"\pL", r"\PL"],
)
def test_an_escape_that_ecmascript_takes_for_a_letter_is_refused(pattern):
    assert paths({"pattern": pattern}) == ["/pattern"]


@pytest.mark.parametrize(
    "pattern", [r"\x41", r"\\Aa", r"\bA\b", r"\p{L}", r"\u{41}", "<a>", r"[\d]{2}"]
)
def test_an_escape_that_is_read_in_one_way_is_not(pattern):
    assert paths({"pattern": pattern}) == []


@pytest.mark.parametrize(
    ("pattern", "fits", "misfit"),
    [
        ("^[a-z]{1, 3}$", "abc", "abcd"),
        ("(?x) ^ a # first \n b $", "ab", "a b"),
        ("^[]a]+$", "]a", "b"),
        ("^[^]]+$", "a", "]"),
    ],
)
def test_one_that_an_earlier_release_accepted_goes_on_being_used_where_that_is_cheap(
    pattern, fits, misfit
):
    """A rule for new contracts is no reason to refuse all payloads of a stored one."""
    schema = {"properties": {"a": {"pattern": pattern}}}
    assert paths(schema) == ["/properties/a/pattern"]
    assert check_payload(schema, {"a": fits}) == []
    assert [fault.path for fault in check_payload(schema, {"a": misfit})] == ["/a"]


@pytest.mark.parametrize(
    ("pattern", "times"),
    [
        ("a{ 900 }", 900),
        ("(a{1, 90}){ 9,\u2003}", 810),
        ("[]a{90}]{9}", 810),
        ("[^]{90}[a]{9}]", 810),
        ("(?x) a b", 1),
    ],
)
def test_the_positions_of_a_stored_pattern_are_counted_for_its_worst_meaning(pattern, times):
    assert positions(pattern) == len(pattern) * times


@pytest.mark.parametrize(
    ("pattern", "fits", "misfit"),
    [
        ("^[[]$", "[", "]"),
        ("^[(?x) #]{2}$", "# ", "ab"),
        (r"^\{ 1 \}$", "{ 1 }", "{1}"),
        ("^[{ 3}]$", "{", "aaa"),
        ("^(?<x>a)(?i)b$", "aB", "AB"),
        (r"^[^\]]$", "[", "]"),
        ("^a b$", "a b", "ab"),
    ],
)
def test_what_only_looks_so_is_a_pattern(pattern, fits, misfit):
    assert check_contract({"pattern": pattern}) == []
    assert check_payload({"pattern": pattern}, fits) == []
    assert check_payload({"pattern": pattern}, misfit) != []
