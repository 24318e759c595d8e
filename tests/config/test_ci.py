"""What CI runs: every step of its script is there, and is run once."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "run"
PROGRAMS = {".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/lint-imports"}


def test_every_step_is_a_function_of_the_script_or_a_program_that_it_installs():
    """A step without its function would be noticed only after those before it."""
    script = SCRIPT.read_text()
    defined = re.findall(r"^(\w+)\(\) \{$", script, re.MULTILINE)
    steps = re.findall(r'^step "[^"]+" (\S+)', script, re.MULTILINE)

    assert len(defined) == len(set(defined))
    assert len(steps) > 10
    assert set(steps) <= {*defined, *PROGRAMS}


def test_the_script_is_one_that_bash_can_read():
    bash = shutil.which("bash")
    assert bash
    read = subprocess.run([bash, "-n", SCRIPT], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr


def test_the_suites_the_soak_the_wheel_and_the_demo_are_steps():
    steps = re.findall(r'^step "[^"]+" (\S+)', SCRIPT.read_text(), re.MULTILINE)
    owed = {"run_readme_tests", "run_tests_with_services", "run_soak", "run_wheel", "run_demo"}
    assert owed <= set(steps)
