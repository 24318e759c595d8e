"""What the README and the guide say of settings, modules and commands is what there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from models_registry.queue import outcomes

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "config" / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS, DEVELOPING, DELIVERY = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for name in ("settings", "developing", "delivery")
)
REQUIRED = "**required**"


# --- Settings ---------------------------------------------------------------------------------
class Row(NamedTuple):
    """A line of the table of settings."""

    unit: str
    default: str
    effect: str


def _documented() -> dict[str, Row]:
    rows = re.findall(
        r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]*?) ?\| ([^|]*?) \| ([^|]+?) \|$", SETTINGS, re.MULTILINE
    )
    return {name: Row(unit.strip(), default, effect) for name, unit, default, effect in rows}


def _read_from_environment() -> Iterator[tuple[str, str | None]]:
    """Yield each variable that the settings read, and its default in production as written.

    The default is `**required**` where production has none, None where it can't be told.
    """
    tree = ast.parse((ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function, name = ast.unparse(node.func), node.args[0]
        if not isinstance(name, ast.Constant):
            continue
        if function == "_required":
            yield name.value, REQUIRED
        elif function == "_one_of":
            yield name.value, _written(node.args[1])
        elif function.startswith("env."):
            default = next((each.value for each in node.keywords if each.arg == "default"), None)
            yield name.value, REQUIRED if default is None else _written(default)


def _written(default: ast.expr) -> str:
    names = {"MIB": 1024 * 1024, "EMBEDDED": False, "DATA_ROOT": Path(), "str": str}
    value: Any = eval(ast.unparse(default), {"__builtins__": {}}, names)
    if value in ("", None, []):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_every_setting_is_in_the_table_with_its_default():
    read = dict(_read_from_environment())
    assert len(read) > 40
    assert {name: row.default for name, row in _documented().items()} == read


def test_a_quantity_has_its_unit():
    units = {"SECONDS": "seconds", "BYTES": "bytes", "HOURS": "hours"}
    for name, row in _documented().items():
        ending = name.rpartition("_")[2]
        assert row.unit == units.get(ending, row.unit), name
        assert row.effect.endswith("."), name


# --- The map ----------------------------------------------------------------------------------
APPS = ("config", "models_registry", "subscriptions")
# A package below an app stands for its modules, except this one: each is a command.
OPENED = "config/management"


def _caption(module: Path) -> str:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def _modules() -> Iterator[tuple[str, str]]:
    """Yield each line of the map as it should be: a path and the caption of what is there."""
    yield "manage.py", _caption(ROOT / "manage.py")
    for app in APPS:
        yield f"{app}/", _caption(ROOT / app / "__init__.py")
        for entry in sorted((ROOT / app).iterdir()):
            path = str(entry.relative_to(ROOT))
            if path == OPENED:
                for command in sorted((entry / "commands").glob("[a-z]*.py")):
                    yield str(command.relative_to(ROOT)), _caption(command)
            elif entry.suffix == ".py" and entry.stem != "__init__" and entry.stat().st_size:
                yield path, _caption(entry)
            elif (entry / "__init__.py").exists() and entry.name != "migrations":
                yield f"{path}/", _caption(entry / "__init__.py")
    for package in sorted((ROOT / "tests").glob("*/__init__.py")):
        yield f"{package.parent.relative_to(ROOT)}/", _caption(package)


def map_lines() -> list[str]:
    """Return the map as the guide must show it."""
    return [f"{path:<39} {caption}".rstrip() for path, caption in _modules()]


def test_the_map_is_the_tree_and_its_captions_are_those_of_the_modules():
    shown = re.search(r"## The map\n.*?```text\n(.*?)\n```", DEVELOPING, re.DOTALL)
    assert shown is not None
    assert shown[1].splitlines() == map_lines()


def test_every_place_on_the_map_has_a_caption():
    assert [path for path, caption in _modules() if not caption.endswith(".")] == []


# --- Commands ---------------------------------------------------------------------------------
def test_the_two_commands_stand_there_word_for_word():
    """The commands that a newcomer copies, and that CI runs from here."""
    for command in (
        "python3 -m venv .venv && .venv/bin/pip install -r requirements/base.txt"
        " && .venv/bin/python manage.py serve --demo",
        ".venv/bin/pip install -r requirements/dev.txt && .venv/bin/python -m pytest",
    ):
        assert f"```sh\n{command}\n```" in README


def test_the_readme_is_read_in_ten_minutes():
    assert len(README.splitlines()) <= 250


def test_every_error_that_a_job_may_show_is_in_the_table():
    told = DELIVERY.partition("## Errors of a job")[2]
    shown = set(re.findall(r"`([a-z]+_[a-z_]+|cancelled)`", told))
    sources = [*(ROOT / "models_registry").rglob("*.py")]
    codes = {
        code
        for path in sources
        for code in re.findall(r'"(lambda_[a-z_]+)"', path.read_text("utf-8"))
    }

    assert len(codes) > 12
    assert codes <= shown


def test_the_waits_between_tries_are_those_of_the_table(monkeypatch):
    row = re.search(r"^\| wait of at most \| (.*) \| failure \|$", DELIVERY, re.MULTILINE)
    assert row is not None
    monkeypatch.setattr(outcomes.settings, "DISPATCH_BACKOFF_BASE_SECONDS", 2.0)
    monkeypatch.setattr(outcomes.random, "uniform", lambda least, most: most)

    waits = [outcomes.backoff_seconds(tries) for tries in range(1, 5)]
    assert [f"{wait:.0f} s" for wait in waits] == row[1].split(" | ")
    assert len(waits) + 1 == outcomes.settings.DISPATCH_MAX_ATTEMPTS


def test_a_job_that_is_always_throttled_fails_after_about_an_hour():
    assert "`DISPATCH_MAX_THROTTLED` such calls, an hour with the defaults" in DELIVERY
    base, cap = 2.0, outcomes.settings.DISPATCH_BACKOFF_CAP_SECONDS
    longest = [min(base * 2**call, cap) for call in range(1, 30)]

    assert len(longest) + 1 == outcomes.settings.DISPATCH_MAX_THROTTLED
    # Each wait is half of its longest, on average.
    assert 0.9 < sum(longest) / 2 / 3600 < 1.1
