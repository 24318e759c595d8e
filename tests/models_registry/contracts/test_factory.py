"""H8: one factory makes every validator."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings

from models_registry.contracts import check_contract, check_payload
from models_registry.contracts.factory import make_validator

FACTORY = Path("models_registry/contracts/factory.py")
# Checks documents by the meta-schema, without formats; it never sees a payload.
DOCUMENTS = Path("models_registry/contracts/documents.py")
PROVER = Path("models_registry/contracts/compare/proofs.py")
LIBRARIES = {"jsonschema", "jsonschema_rs"}
# Names of both libraries that read, check or fetch schemas in ways of their own.
MAKERS = {
    "meta",
    "validator_for",
    "validator_cls_for",
    "validator_map_for",
    "validate",
    "is_valid",
    "iter_errors",
    "evaluate",
    "bundle",
    "dereference",
    "canonicalize",
    "Registry",
    "RefResolver",
    "FormatChecker",
} | {f"Draft{draft}Validator" for draft in ("3", "4", "6", "7", "201909", "202012")}


def uses(source: str) -> set[str]:
    """Return the names of the two libraries that this module uses, `jsonschema_rs.meta` say."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in LIBRARIES:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and node.attr in MAKERS:
            name = ast.unparse(node)
            found |= {name} & {f"{library}.{node.attr}" for library in LIBRARIES}
    return found


def modules() -> list[Path]:
    root = Path(settings.BASE_DIR)
    return [
        path.relative_to(root)
        for package in ("config", "models_registry", "subscriptions")
        for path in sorted((root / package).rglob("*.py"))
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import jsonschema_rs\njsonschema_rs.meta.is_valid({})",
        "import jsonschema\njsonschema.validate(1, {})",
        "from jsonschema_rs import validator_for",
    ],
)
def test_the_rule_sees_what_it_forbids(source):
    assert uses(source)


def test_validators_are_made_by_the_factory_alone():
    annotation_only = {"jsonschema_rs.Draft202012Validator"}
    for path in modules():
        found = uses((Path(settings.BASE_DIR) / path).read_text())
        if path == PROVER:
            # Offline, and in a process of its own with limits of time and memory.
            assert found == {"jsonschema_rs.canonicalize"}
        elif path == DOCUMENTS:
            assert found == {"jsonschema.Draft202012Validator"}
        elif path != FACTORY:
            assert found <= annotation_only, path
            calls = calls_of((Path(settings.BASE_DIR) / path).read_text())
            assert "Draft202012Validator" not in calls, path


def calls_of(source: str) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def test_text_is_not_taken_for_a_schema():
    """The library would read it as JSON."""
    with pytest.raises(ValueError):
        make_validator('{"type": "string"}')  # type: ignore[arg-type]


def test_formats_are_annotations():
    """H11: the draft's own default, kept on purpose."""
    assert check_payload({"format": "date-time"}, "nope") == []
    assert check_payload({"contentMediaType": "application/json"}, "{") == []


@pytest.mark.parametrize("schema", [{"a": ["b"]}, {"a": {"required": ["b"]}}, {"a": False}])
def test_a_keyword_of_older_drafts_says_nothing(schema):
    """The library would enforce `dependencies`, outside of what is counted and explained."""
    contract = {"dependencies": schema, "properties": {"inner": {"dependencies": schema}}}

    assert check_contract(contract) == []
    assert check_payload(contract, {"a": 1, "inner": {"a": 1}}) == []
    assert check_payload({**contract, "required": ["c"]}, {"a": 1}) != []
