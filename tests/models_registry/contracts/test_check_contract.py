"""What a contract may be (the API page, "Contracts"; H10, H11), with the pointer to each fault."""

from __future__ import annotations

import re

import pytest

from models_registry.contracts import check_contract, check_payload, documents, payloads
from models_registry.contracts.patterns import positions
from tests.examples import UPDATE_MODEL


def paths(schema: object) -> list[str]:
    return [fault.path for fault in check_contract(schema)]


def nested(levels: int) -> dict:
    schema: dict = {}
    for _ in range(levels - 1):
        schema = {"not": schema}
    return schema


def test_the_contracts_of_the_example_are_acceptable():
    for contract in UPDATE_MODEL["handler_contracts"].values():
        for schema in contract.values():
            assert check_contract(schema) == []


@pytest.mark.parametrize("document", [True, False, None, 1, 1.5, "{}", [], [{}]])
def test_what_is_not_an_object_is_refused(document):
    assert check_contract(document) == [("", "A contract must be an object.")]


def test_depth_64_is_acceptable_and_65_is_not():
    assert check_contract(nested(64)) == []
    assert check_contract(nested(65)) == [("", "The schema nests deeper than 64 levels.")]


def test_256_kib_are_acceptable_and_more_is_not():
    size = len('{"title":""}')
    assert check_contract({"title": "x" * (256 * 1024 - size)}) == []
    assert check_contract({"title": "x" * (256 * 1024 - size + 1)}) == [
        ("", "The schema is larger than 256 KiB.")
    ]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "text"}, "/type"),
        ({"type": 1}, "/type"),
        ({"type": ["string", "string"]}, "/type"),
        ({"type": []}, "/type"),
        ({"properties": []}, "/properties"),
        ({"properties": {"a": 1}}, "/properties/a"),
        ({"properties": {"a": {"type": "text"}}}, "/properties/a/type"),
        ({"properties": {"a/b~c": {"type": "text"}}}, "/properties/a~1b~0c/type"),
        ({"required": "a"}, "/required"),
        ({"required": ["a", "a"]}, "/required"),
        ({"required": ["a", 1]}, "/required"),
        ({"items": [{"type": "string"}]}, "/items"),  # the array form of draft-07
        ({"minimum": "1"}, "/minimum"),
        ({"multipleOf": 0}, "/multipleOf"),
        ({"minLength": -1}, "/minLength"),
        ({"enum": 1}, "/enum"),
        ({"allOf": []}, "/allOf"),
        ({"allOf": [1]}, "/allOf/0"),
        ({"not": None}, "/not"),
        ({"$ref": 1}, "/$ref"),
        ({"$id": 1}, "/$id"),
        ({"$id": "https://example.com/a#b"}, "/$id"),
        ({"$anchor": "1 2"}, "/$anchor"),
        ({"$defs": {"unused": {"type": "text"}}}, "/$defs/unused/type"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"$schema": 1}, "/$schema"),
        ({"dependentRequired": {"a": ["b", 1]}}, "/dependentRequired/a"),
    ],
)
def test_what_the_meta_schema_refuses_is_refused_with_its_pointer(schema, path):
    """H11."""
    assert set(paths(schema)) == {path}


def test_all_faults_are_told_at_once():
    schema = {
        "properties": {"a": {"type": "text"}, "b": {"pattern": "("}},
        "items": {"$ref": "#/nowhere"},
        "$defs": {"c": {"$schema": "draft-07"}},
    }
    assert sorted(paths(schema)) == [
        "/$defs/c/$schema",
        "/items/$ref",
        "/properties/a/type",
        "/properties/b/pattern",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"x-unknown": [1, {"type": "text"}]},
        {"const": {"type": "text", "pattern": "("}},
        {"enum": [{"type": "text"}]},
        {"default": {"type": "text"}, "examples": [{"properties": 1}]},
        {"properties": {"type": {"type": "string"}, "enum": {}, "pattern": {}}},
        {"format": "unheard-of"},
        {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
        {"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": {"$ref": "#"}}]},
        {"type": ["array", "string"], "items": {"$ref": "#"}, "unevaluatedItems": False},
        {"required": [f"a{n}" for n in range(1000)]},
        {"enum": [f"a{n}" for n in range(1000)]},
        {"title": "\x00"},
    ],
)
def test_what_2020_12_allows_is_acceptable(schema):
    assert check_contract(schema) == []
    assert check_contract(schema) == []  # and stays so when it is known


@pytest.mark.parametrize("hostile", [{"a": 2**70}, {"a": "\ud800"}, {"\ud800": 1}, {"a": {1, 2}}])
def test_what_json_between_systems_cannot_hold_is_refused(hostile):
    assert check_contract({"const": hostile}) != []


# --- H10 ---------------------------------------------------------------------------------------

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
    """Neither when the contract is judged nor when a payload is."""
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
def test_the_places_of_a_pattern_are_counted_with_repeats_written_out(pattern, at_least, at_most):
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


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_an_empty_reference_is_refused_since_it_would_say_nothing(keyword):
    """RFC 3986: it is the document itself, but not to the validator."""
    assert paths({"properties": {"a": {keyword: ""}}}) == [f"/properties/a/{keyword}"]
    assert paths({"properties": {"a": {keyword: "#"}}}) == []


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
def test_the_places_of_a_stored_one_are_counted_however_it_is_read(pattern, times):
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
