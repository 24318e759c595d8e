"""The files for systemd and compose, read as far as they can be without their engines."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "deploy"
BIN = Path(sys.prefix) / "bin"
INSTALLED = "/opt/modelpact/.venv/bin/"
UNITS = sorted(DEPLOY.glob("*.service"))
GUIDE = ROOT / "config" / "docs"
TABLE = (GUIDE / "settings.md").read_text(encoding="utf-8")
OPERATING = (GUIDE / "operating.md").read_text(encoding="utf-8")
SETTINGS = set(re.findall(r"^\| `([A-Z_]+)` \|", TABLE, re.MULTILINE))
REQUIRED = set(re.findall(r"^\| `([A-Z_]+)` \|[^|]*\| \*\*required\*\*", TABLE, re.MULTILINE))
# Read by what is run, and not by our settings.
OTHERS = {"REMAP_SIGTERM", "GRANIAN_HOST", "GRANIAN_PORT", "AWS_REGION"}
STOP_SECONDS = 30


class _Lines(dict[str, Any]):
    """Keeps every line of a key that stands there more than once."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self and isinstance(value, list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def _unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, dict_type=_Lines, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def _command(path: Path) -> list[str]:
    return shlex.split(_unit(path)["Service"]["ExecStart"].replace("%%", "%"))


def _environment(path: Path) -> dict[str, str]:
    lines = _unit(path)["Service"].get("Environment", "").split()
    return dict(each.split("=", 1) for each in lines)


def _services() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services: dict[str, dict[str, Any]] = document["services"]
    return services


def _ours() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in _services().items() if one.get("build")}


def _words(command: str | list[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else command


def _assert_can_be_run(command: list[str]) -> None:
    """The program is installed, and its help knows the command and every option."""
    program, *rest = command
    if program == "python":
        assert rest[:2] == ["manage.py", "migrate"]
        shown = _help(program, *rest[:2])
    elif program == "celery":
        (subcommand,) = (word for word in rest if word in {"worker", "beat"})
        shown = _help(program) + _help(program, subcommand)
    else:
        shown = _help(program)
    for option in (word for word in rest if word.startswith("-")):
        assert re.search(rf"(^|[\s,/]){re.escape(option)}\b", shown), f"{program} {option}"


@cache
def _help(program: str, *words: str) -> str:
    return subprocess.run(
        [BIN / program, *words, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        check=True,
    ).stdout


# --- systemd --------------------------------------------------------------------------------
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_a_command_that_is_there_from_the_one_environment(path):
    service = _unit(path)["Service"]
    program, *rest = _command(path)

    assert program.startswith(INSTALLED)
    _assert_can_be_run([program.removeprefix(INSTALLED), *rest])
    assert service["EnvironmentFile"] == "/etc/modelpact.env"
    assert set(_environment(path)) <= SETTINGS | OTHERS


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_after_the_migrations_and_stops_in_the_stated_time(path):
    unit = _unit(path)
    if path.stem == "modelpact-migrate":
        assert unit["Service"]["Type"] == "oneshot"
        return
    assert unit["Unit"]["Requires"] == "modelpact-migrate.service"
    assert "modelpact-migrate.service" in unit["Unit"]["After"].split()
    assert int(unit["Service"]["TimeoutStopSec"]) == STOP_SECONDS
    assert unit["Service"]["Restart"] == "always"


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"),
    reason="needs systemd-analyze: install the package `systemd`",
)
def test_systemd_itself_finds_no_fault(tmp_path):
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(INSTALLED, f"{BIN}/")
        (tmp_path / path.name).write_text(text.replace("User=modelpact\n", ""), encoding="utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    told = [line for line in found.stderr.splitlines() if str(tmp_path) in line]

    assert told == []


# --- compose --------------------------------------------------------------------------------
@pytest.mark.parametrize("name", _ours())
def test_a_service_runs_a_command_that_is_there(name):
    service = _ours()[name]

    _assert_can_be_run(_words(service["command"]))
    assert set(service["environment"]) <= SETTINGS | OTHERS
    assert service["env_file"] == "modelpact.env"
    assert service["stop_grace_period"] == f"{STOP_SECONDS}s"
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).exists()


def test_services_wait_for_what_there_is():
    services = _services()
    for name, service in services.items():
        for other, wanted in service.get("depends_on", {}).items():
            assert other in services, name
            if wanted["condition"] == "service_healthy":
                assert services[other]["healthcheck"]["test"]


def test_both_run_the_same_processes_and_they_are_those_of_the_guide():
    units = {
        shlex.join([Path(word).name if i == 0 else word for i, word in enumerate(_command(path))])
        for path in UNITS
    }
    composed = {shlex.join(_words(service["command"])) for service in _ours().values()}
    plain = {re.sub(r" --(schedule \S+|no-input)", "", command) for command in units | composed}
    shown = re.search(r"## Running it in production\n.*?```sh\n(.*?)```", OPERATING, re.DOTALL)

    assert shown is not None
    assert plain == set(shown[1].splitlines())
    assert len(units) == len(composed) == 5


def test_every_queue_has_a_worker(settings):
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    served = {
        queue
        for path in UNITS
        for flag, names in zip(_command(path), _command(path)[1:], strict=False)
        if flag == "-Q"
        for queue in names.split(",")
    }

    assert served == queues


# --- What they share ------------------------------------------------------------------------
def test_the_example_names_every_required_setting_and_nothing_unknown():
    lines = (DEPLOY / "modelpact.env.example").read_text(encoding="utf-8").splitlines()
    named = {line.split("=", 1)[0] for line in lines if line and not line.startswith("#")}

    assert named >= REQUIRED
    assert named <= SETTINGS | OTHERS
    assert {"AUTH_JWKS_URL", "AUTH_CLIENT_IDS", "LAMBDA_ACCOUNTS"} <= named


def test_the_image_holds_what_runs_and_nothing_of_the_tests():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [shlex.split(line)[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    sources = [source for sources in copied for source in sources]

    assert all((ROOT / source).exists() for source in sources)
    assert {"config", "models_registry", "subscriptions", "manage.py"} <= set(sources)
    assert not any(source.startswith(("tests", ".")) for source in sources)
