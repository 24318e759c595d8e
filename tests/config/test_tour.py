"""The README's tour, command by command, against the service as the README has it started."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import OWN, ROOT, Serving

TOUR = (ROOT / "README.md").read_text(encoding="utf-8").split("## A tour\n")[1].split("\n## ")[0]
PREPARE, REGISTER, TRAIN, UPDATE, INFER, SUBSCRIBE = re.findall(r"```sh\n(.*?)```", TOUR, re.DOTALL)

# A person waits a little; here, on a machine that may be busy, until no job is open.
SLEEP = """
sleep() {
    for _ in $(seq 300); do
        # In one answer: between two, a job could pass from what the second one asks for.
        case "$(call "$API/jobs?limit=1000")" in
            *'"status":"pending"'*|*'"status":"started"'*) command sleep 0.1 ;;
            *) return 0 ;;
        esac
    done
    return 1
}
"""


class Newcomer:
    """Types the tour's commands into a shell."""

    def __init__(self, data: Path, address: str, tools: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        self._environment = {**kept, "PATH": f"{tools}{os.pathsep}{kept['PATH']}"}
        self._prepare = (
            PREPARE.replace(".venv/bin/python", sys.executable)
            .replace("manage.py token", f"manage.py token --data {data}")
            .replace("http://127.0.0.1:8000", address)
        )
        # One shell would keep it; here each block has one of its own.
        token = self._run('echo "$TOKEN"').strip()
        self._prepare = re.sub(r"^TOKEN=.*", f"TOKEN={token}", self._prepare)

    def types(self, commands: str) -> list[Any]:
        """Run `commands` and return the JSON that each of them printed."""
        return [json.loads(line) for line in self._run(commands).splitlines()]

    def _run(self, commands: str) -> str:
        shell = subprocess.run(
            ["bash", "-euc", self._prepare + SLEEP + commands],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert shell.returncode == 0, shell.stderr
        return shell.stdout


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of commands to put first: curl, where this machine has none."""
    folder = tmp_path_factory.mktemp("tools")
    if shutil.which("curl") is None:
        stand_in = folder / "curl"
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/curl.py "$@"\n')
        stand_in.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Iterator[Newcomer]:
    data = tmp_path_factory.mktemp("tour")
    with Serving(data, "--port", "0") as service:
        yield Newcomer(data, service.line(r"(http://\S+)/v2/docs")[1], tools)


def test_every_command_of_the_tour_does_what_the_readme_says(newcomer):
    (registered,) = newcomer.types(REGISTER)
    assert registered["version"]["version"] == "1"
    assert registered["model"]["status"] == "pending"

    asked, jobs, trained = newcomer.types(TRAIN)
    assert [(job["id"], job["status"]) for job in jobs] == [(asked["training_job_id"], "success")]
    assert (trained["version"]["status"], trained["model"]["status"]) == ("active", "active")

    updated, second = newcomer.types(UPDATE)
    assert updated["version"]["status"] == "pending"
    assert (second["version"], second["status"]) == ("2", "active")

    refused, accepted, (inference,) = newcomer.types(INFER)
    assert [fault["path"] for fault in refused["errors"]] == ["/input/features/0"]
    assert inference["id"] == accepted["inference_job_id"]
    assert len(inference["output"]["predictions"]) == 2

    subscription, retraining, inferences = newcomer.types(SUBSCRIBE)
    assert subscription["status"] == "active"
    assert len(inferences) == 2
    assert inferences[0]["triggered_by"] == {
        "subscription_id": subscription["id"],
        "job_id": retraining["training_job_id"],
    }
    assert inferences[0]["status"] == "success"


def test_the_stand_in_for_curl_sends_what_curl_would(newcomer):
    stand_in = f'curl() {{ {sys.executable} {ROOT}/tests/curl.py "$@"; }}\n'
    refused, listed = newcomer.types(
        stand_in + "call $API/models -d '{}'\ncall -X GET $API/models?limit=1\n"
    )
    assert refused["code"] == "invalid_request"
    assert isinstance(listed, list)
