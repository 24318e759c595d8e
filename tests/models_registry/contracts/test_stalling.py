"""No contract can stall a worker (H9, H10, F24).

Each trial runs in a process of its own, where a check that takes more than five seconds of
processor time is killed. On an idle machine the longest takes less than one.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

from models_registry.contracts import check_contract
from tests.models_registry.contracts import hostile


def run(trials: str) -> None:
    """Run trials; a stall, a crash and a wrong answer are failures that name the trial."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.models_registry.contracts.hostile", trials],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=150,
    )
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"{last}: status {done.returncode}\n{done.stderr[-2000:]}"


def test_contracts_over_the_budget_are_refused_at_once():
    run("refused")


@pytest.mark.parametrize("trial", hostile.REFUSED)
def test_the_refusal_points_at_the_fault_and_is_short(trial):
    schema, _ = hostile.REFUSED[trial]()
    faults = check_contract(schema)
    assert faults
    assert all(fault.path == "" or fault.path.startswith("/") for fault in faults)
    assert all(len(fault.message) <= 500 for fault in faults)


def test_the_busiest_payloads_of_acceptable_contracts_are_soon_answered():
    run("busiest")


def test_depth_and_size_neither_stall_nor_crash_the_process():
    """F24: the library ends the process with SIGSEGV at some 30,000 levels."""
    run("raw")


def test_random_contracts_and_payloads_are_soon_answered():
    run("fuzz 0 60")


def test_a_stall_would_be_seen():
    """The trial's own alarm works, even while the library holds the interpreter's lock."""
    program = (
        "from tests.models_registry.contracts import hostile\n"
        "import jsonschema_rs, signal\n"
        "schema = hostile.fan(40, 'allOf')\n"
        "hostile.SECONDS = 0.5\n"
        "hostile._limited(lambda: jsonschema_rs.is_valid(schema, 1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, capture_output=True, timeout=100
    )
    assert done.returncode < 0
