"""The catalogue of faults (F) and hostile input (H): each is held by a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBERS = [*(f"F{number}" for number in range(1, 28)), *(f"H{number}" for number in range(1, 32))]


def _named() -> set[str]:
    """Return what the docstrings of tests name, singly or as "F3 to F6"."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path != Path(__file__):
            for docstring in re.findall(r'"""(.*?)"""', path.read_text("utf-8"), re.DOTALL):
                found.update(re.findall(r"\b[FH][0-9]{1,2}\b", docstring))
                for kind, first, last in re.findall(r"\b([FH])(\d+) to [FH](\d+)\b", docstring):
                    found.update(f"{kind}{n}" for n in range(int(first), int(last) + 1))
    return found


@pytest.mark.parametrize("number", NUMBERS)
def test_each_is_named_by_a_test(number):
    assert number in _named()
