"""The official JSON Schema test suite for Draft 2020-12, its required part."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from models_registry.contracts import check_contract, check_payload, compiled
from models_registry.contracts.factory import make_validator

SUITE = Path(settings.BASE_DIR).parent / "shared/json-schema-test-suite/tests/draft2020-12"
IN_CI = os.environ.get("CI") == "true"
LEAVES = "The reference leaves the document; nothing is fetched."

pytestmark = pytest.mark.skipif(
    not SUITE.is_dir() and not IN_CI, reason=f"the official suite is not at {SUITE}"
)


def groups() -> list[dict[str, Any]]:
    return [
        group for file in sorted(SUITE.glob("*.json")) for group in json.loads(file.read_text())
    ]


def accepted() -> list[dict[str, Any]]:
    return [
        group
        for group in groups()
        if isinstance(group["schema"], dict) and not check_contract(group["schema"])
    ]


def test_every_case_of_an_acceptable_schema_gets_the_suites_verdict():
    wrong = [
        f"{group['description']}: {case['description']}"
        for group in accepted()
        for case in group["tests"]
        if compiled(group["schema"]).is_valid(case["data"]) is not case["valid"]
    ]
    assert wrong == []


def test_a_payload_has_faults_exactly_when_the_suite_says_it_is_invalid():
    wrong = [
        f"{group['description']}: {case['description']}"
        for group in accepted()
        for case in group["tests"]
        if (check_payload(group["schema"], case["data"]) == []) is not case["valid"]
    ]
    assert wrong == []


def test_boolean_schemas_get_the_suites_verdict_and_are_no_contracts():
    booleans = [group for group in groups() if isinstance(group["schema"], bool)]
    assert len(booleans) == 2
    for group in booleans:
        validator = make_validator(group["schema"])
        assert [validator.is_valid(case["data"]) for case in group["tests"]] == [
            case["valid"] for case in group["tests"]
        ]
        assert check_contract(group["schema"]) != []


def test_only_schemas_that_leave_the_document_or_the_dialect_are_refused():
    """ "`$ref` that leaves the document, another `$schema`" is 422. All else is acceptable."""
    refused: Counter[str] = Counter()
    for group in groups():
        if isinstance(group["schema"], dict):
            refused.update({fault.message for fault in check_contract(group["schema"])})
    dialect = "Only Draft 2020-12 is understood: https://json-schema.org/draft/2020-12/schema"
    assert refused == {LEAVES: 22, dialect: 2}


def test_the_suite_is_all_there():
    cases = Counter(
        "boolean"
        if isinstance(group["schema"], bool)
        else ("refused" if check_contract(group["schema"]) else "accepted")
        for group in groups()
        for _ in group["tests"]
    )
    # Releases of the suite differ in how many cases they add; what is refused stays the same.
    assert cases["accepted"] >= 1186
    assert (cases["refused"], cases["boolean"]) == (53, 18)
