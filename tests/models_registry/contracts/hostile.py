"""Contracts and payloads made to stall a worker, tried in a process that can be killed.

`python -m tests.models_registry.contracts.hostile TRIALS` names each trial before it begins, and
ends with status 0 when every check ended within its share of processor time. A check that does
not is killed by the kernel (the default action of SIGPROF), whatever the library is doing and
whoever holds the lock.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

# The limit is one second on an idle machine; more only for what may be slower than that one.
SECONDS = 5.0
KEYWORDS = [
    *("allOf", "anyOf", "oneOf", "not", "if", "properties", "patternProperties", "items"),
    *("additionalProperties", "propertyNames", "prefixItems", "contains", "dependentSchemas"),
    *("unevaluatedProperties", "unevaluatedItems", "uniqueItems", "$ref", "leaf"),
    "dependentRequired",
]
# With what an engine can be kept busy for long.
BUSY = "[ab]*a[ab]{50}c"
NAMES = "abcdef"


def check(schema: Any, *payloads: Any) -> bool:
    """Put each step of a contract's life under the limit; returns whether it was acceptable."""
    from models_registry.contracts import check_contract, check_payload, compiled

    acceptable = not _limited(lambda: check_contract(schema))
    if acceptable:
        _limited(lambda: compiled(schema))
    for payload in payloads:
        _limited(lambda payload=payload: check_payload(schema, payload))
    return acceptable


def _say(trial: str) -> None:
    sys.stdout.write(f"{trial}\n")
    sys.stdout.flush()


def _limited(step: Callable[[], Any]) -> Any:
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return step()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def nested(levels: int, value: Any) -> Any:
    for _ in range(levels):
        value = {"a": value}
    return value


def stack(levels: int, around: Callable[[Any], Any], inside: Any) -> Any:
    for _ in range(levels):
        inside = around(inside)
    return inside


def fan(levels: int, keyword: str) -> dict[str, Any]:
    """Each level refers to the next one twice."""
    definitions: dict[str, Any] = {
        f"d{level}": {keyword: [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(levels)
    }
    definitions[f"d{levels}"] = {"type": "integer"}
    return {"$defs": definitions, "$ref": "#/$defs/d0"}


def tree(keyword: str, **more: Any) -> dict[str, Any]:
    """A recursion that goes down into the same property twice."""
    return {keyword: [{"properties": {"a": {"$ref": "#"}}}] * 2, **more}


TEXT = "".join(random.Random(1).choices("ab", k=1_000_000))
NUMBERS = [1.5] * 200_000
# By name: a contract over the budget, which must be refused, and a payload for it.
REFUSED: dict[str, Callable[[], tuple[Any, Any]]] = {
    "refers to itself": lambda: ({"$ref": "#"}, 1),
    "two refer to each other": lambda: (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        1,
    ),
    "denies itself": lambda: ({"not": {"$ref": "#"}}, 1),
    "dynamically refers to itself": lambda: ({"$dynamicAnchor": "a", "$dynamicRef": "#a"}, 1),
    "refers to itself by an anchor": lambda: ({"$anchor": "a", "anyOf": [{"$ref": "#a"}]}, 1),
    "allOf doubling, 24 levels": lambda: (fan(24, "allOf"), "x"),
    "allOf doubling, 40 levels": lambda: (fan(40, "allOf"), "x"),
    "anyOf doubling, 20 levels": lambda: (fan(20, "anyOf"), "x"),
    "oneOf doubling, 40 levels": lambda: (fan(40, "oneOf"), "x"),
    "recursion into one property twice": lambda: (tree("allOf"), nested(60, 1)),
    "recursion through oneOf": lambda: (tree("oneOf", type=["object", "integer"]), nested(60, "x")),
    "recursion through items twice": lambda: (
        {"items": {"$ref": "#"}, "contains": {"$ref": "#"}},
        stack(60, lambda inside: [inside], 1),
    ),
    "unevaluatedProperties, 20 levels": lambda: (
        stack(20, lambda s: {"anyOf": [s], "unevaluatedProperties": False}, {"type": "integer"}),
        {"a": 1},
    ),
    "unevaluatedItems in items, 14 levels": lambda: (
        stack(14, lambda s: {"contains": s, "unevaluatedItems": False}, {"type": "integer"}),
        stack(14, lambda inside: [inside], 1),
    ),
    "enum of 100,000 long strings": lambda: ({"enum": [f"{n:0100}" for n in range(100_000)]}, "x"),
    "enum of 1,001": lambda: ({"enum": list(range(1001))}, 2000),
    "2,001 subschemas": lambda: ({"anyOf": [{"minLength": n} for n in range(2001)]}, 1),
    "subschemas by reference, many times": lambda: (
        {
            "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 9} for n in range(9)}
            | {"d9": {"type": "string"}},
            "$ref": "#/$defs/d0",
        },
        1,
    ),
    "a repeat behind a comment": lambda: ({"pattern": "(?x)[ab]*a[ab]#[\n{9000}c"}, TEXT),
    "a repeat with spaces": lambda: ({"pattern": "[ab]*a[ab]{ 9000 }c"}, TEXT),
    "required names that can't be sorted": lambda: (
        {"dependentRequired": {f"a{n}": [1, "a", None, {}] * 200 for n in range(50)}},
        {},
    ),
}
# By name: a contract within the budget, and a payload that keeps it as busy as can be.
BUSIEST: dict[str, Callable[[], tuple[Any, Any]]] = {
    "a pattern on one long text": lambda: ({"pattern": "[ab]*a[ab]{900}c"}, TEXT),
    "a repeat behind a bracket": lambda: ({"pattern": "[[][ab]*a[ab]{9000}c"}, f"[{TEXT}"),
    "a pattern on many texts": lambda: ({"items": {"pattern": BUSY}}, [TEXT[:1000]] * 1000),
    "patterns on names": lambda: (
        {"patternProperties": {f"^(a|b)*{n}$": True for n in range(200)}},
        {f"{TEXT[n : n + 40]}{n}": 1 for n in range(20_000)},
    ),
    "fractions in an enum": lambda: ({"items": {"enum": [n + 0.5 for n in range(1000)]}}, NUMBERS),
    "objects in an enum": lambda: (
        {"items": {"enum": [{"a": [n]} for n in range(900)]}},
        [{"a": [899]}] * 50_000,
    ),
    "constants": lambda: ({"items": {"anyOf": [{"const": n + 0.25} for n in range(900)]}}, NUMBERS),
    "division by a tiny number": lambda: ({"items": {"multipleOf": 5e-324}}, [1.7e308] * 200_000),
    "division of a huge number": lambda: ({"items": {"multipleOf": 0.01}}, [1e300] * 200_000),
    "far bounds": lambda: ({"items": {"allOf": [{"minimum": 1e-300}] * 900}}, NUMBERS),
    "dependent names": lambda: (
        {"items": {"dependentRequired": {f"a{n}": ["b"] for n in range(5000)}}},
        [{"z": 1}] * 100_000,
    ),
    "distinct items, deep": lambda: (
        {
            "$defs": {"a": {"uniqueItems": True, "items": {"$ref": "#/$defs/a"}}},
            "$ref": "#/$defs/a",
        },
        stack(60, lambda inside: [inside, 1], [[n, {"a": n}] for n in range(50_000)]),
    ),
    "unevaluated, wide": lambda: (
        {
            "anyOf": [{"patternProperties": {f"p{n}$": True}} for n in range(150)],
            "unevaluatedProperties": {"type": "integer"},
        },
        {f"q{n}": 1 for n in range(50_000)},
    ),
    "half a million faults": lambda: ({"items": {"type": "string"}}, [1] * 500_000),
    "half a million names": lambda: (
        {"additionalProperties": False},
        {f"name{n}": 1 for n in range(500_000)},
    ),
    "names that are all wrong": lambda: (
        {"propertyNames": {"maxLength": 1}},
        {f"name{n}": 1 for n in range(500_000)},
    ),
    "alternatives that all fail": lambda: ({"anyOf": [{"type": "string"}] * 1000}, [1] * 500_000),
    "alternatives for each item": lambda: (
        {"items": {"oneOf": [{"minimum": n} for n in range(900)]}},
        [-1] * 50_000,
    ),
    "1,999 properties": lambda: (
        {"properties": {f"p{n}": {"type": "integer"} for n in range(1990)}},
        {f"p{n}": "x" for n in range(1990)},
    ),
    "long chain of references": lambda: (
        {
            "$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(900)}
            | {"d900": {"type": "null"}},
            "$ref": "#/$defs/d0",
        },
        [1] * 100_000,
    ),
    "256 KiB of properties, all wrong": lambda: (
        {"properties": {f"p{n}": {"type": "object", "required": ["x" * 100]} for n in range(950)}},
        {f"p{n}": {} for n in range(950)},
    ),
}
RAW: dict[str, Callable[[], tuple[Any, Any]]] = {
    "10,000 levels of schema": lambda: (stack(10_000, lambda inside: {"not": inside}, {}), 1),
    "5 MiB of schema": lambda: ({"title": "x" * 5 * 2**20}, 1),
    "a payload 100,000 deep": lambda: (
        {"type": "string"},
        stack(100_000, lambda inside: [inside], 1),
    ),
    "a payload 254 deep": lambda: (
        {"anyOf": [{"type": "string"}, {"items": {"$ref": "#"}}]},
        stack(254, lambda inside: [inside], 1),
    ),
}


def random_schema(rng: random.Random, depth: int, definitions: int) -> Any:
    """Return any schema, the harmful kind more often than not."""
    leaves = [
        True,
        {"type": rng.choice(["integer", "object", "array"])},
        {"const": 1.5},
        {"enum": [1.5, 2, "a", [1]]},
        {"pattern": BUSY},
        {"multipleOf": 0.01},
        {"$ref": f"#/$defs/d{rng.randrange(definitions)}"},
    ]
    if depth <= 0:
        return rng.choice(leaves)
    schema: dict[str, Any] = {}
    for keyword in rng.sample(KEYWORDS, rng.randint(1, 4)):
        below = [random_schema(rng, depth - 1, definitions) for _ in range(rng.randint(1, 4))]
        schema.update(_keyword(rng, keyword, below, leaves))
    return schema


def _keyword(rng: random.Random, keyword: str, below: list[Any], leaves: list[Any]) -> Any:
    if keyword in {"allOf", "anyOf", "oneOf", "prefixItems"}:
        return {keyword: below}
    if keyword in {"properties", "dependentSchemas"}:
        return {keyword: dict(zip(NAMES, below, strict=False))}
    if keyword == "patternProperties":
        return {keyword: dict(zip(["a", "[a-c]", "^.*$", BUSY], below, strict=False))}
    if keyword == "if":
        return {keyword: below[0], "then": below[-1], "else": below[len(below) // 2]}
    if keyword == "uniqueItems":
        return {keyword: True}
    if keyword == "dependentRequired":
        return {keyword: {name: ["a"] for name in NAMES}}
    if keyword in {"$ref", "leaf"}:
        leaf = leaves[-1] if keyword == "$ref" else rng.choice(leaves)
        return leaf if isinstance(leaf, dict) else {}
    return {keyword: below[0]}


def random_payload(rng: random.Random, depth: int, size: int) -> Any:
    """Return a payload of about `size` values."""
    if depth <= 0 or size < 5:
        return rng.choice([1, 1.5, "a", TEXT[: rng.randint(1, 100)], None, 10**15, 1e300])
    count = min(rng.choice([1, 2, 3, 6, 50]), max(1, size // 4))
    items = [random_payload(rng, depth - 1, size // count) for _ in range(count)]
    if rng.random() < 0.5:
        return items
    return {(NAMES[n] if n < 6 else f"k{n}a"): item for n, item in enumerate(items)}


def repeated(rng: random.Random, payload: Any, count: int) -> Any:
    return [payload] * count if rng.random() < 0.5 else {f"k{n}a": payload for n in range(count)}


def fuzz(first: int, last: int) -> None:
    """Try random contracts; some must be acceptable, or nothing was tried."""
    acceptable = 0
    for seed in range(first, last):
        rng = random.Random(seed)
        definitions = rng.randint(1, 4)
        schema = random_schema(rng, rng.randint(1, 3), definitions)
        if not isinstance(schema, dict):
            continue
        schema["$defs"] = {
            f"d{n}": random_schema(rng, rng.randint(0, 3), definitions) for n in range(definitions)
        }
        small = random_payload(rng, rng.choice([3, 8, 30, 60]), rng.choice([30, 300]))
        large = repeated(rng, small, rng.choice([100, 3000]))
        _say(f"seed {seed}")
        acceptable += check(schema, small, large)
    assert acceptable > (last - first) / 5, acceptable


def main(trials: str) -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    if trials.startswith("fuzz"):
        first, last = map(int, trials.split()[1:])
        fuzz(first, last)
        return
    table, is_acceptable = TABLES[trials]
    for name, make in table.items():
        _say(name)
        schema, payload = make()
        assert check(schema, payload) is is_acceptable or is_acceptable is None


TABLES = {"refused": (REFUSED, False), "busiest": (BUSIEST, True), "raw": (RAW, None)}

if __name__ == "__main__":
    main(sys.argv[1])
