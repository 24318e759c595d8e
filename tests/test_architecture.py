"""How the parts may know each other, and what every part of a kind has."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey
from django.dispatch import Signal

from models_registry import signals

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "models_registry", "subscriptions")
HARD_LIMIT_LINES = 400

Source = tuple[str, ast.Module]


def _sources(*packages: str) -> Iterator[Source]:
    """Yield every module of `packages` by its path, parsed; migrations are the database's."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


ALL = dict(_sources(*PACKAGES))
MODULES = {path: tree for path, tree in ALL.items() if tree.body}


def _found(
    modules: dict[str, ast.Module], look: Callable[[ast.Module], Iterator[str]]
) -> dict[str, list[str]]:
    """Return what `look` finds, by the path of the module; modules without a find are left out."""
    finds = {path: list(look(tree)) for path, tree in modules.items()}
    return {path: found for path, found in finds.items() if found}


def test_imports_follow_the_arrows():
    """config -> subscriptions -> models_registry, and what else pyproject.toml forbids."""
    # In a process of its own: the linter reconfigures logging, which would silence this one's.
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


# --- The registry does not know who listens ---------------------------------------------------
THE_OTHER_APP = re.compile(
    r"^subscriptions(\.\w+)*$|event_?subscription|subscriptions_\w", re.IGNORECASE
)


def _names(node: ast.AST) -> list[str]:
    """Return what `node` names: modules, identifiers, or the text of a string."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            return [node.module or "", *(alias.name for alias in node.names)]
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return [name]
    return []


def _names_subscriptions(tree: ast.Module) -> Iterator[str]:
    """Yield whatever names the other app: an import, an identifier, a dotted path or a table.

    Words of the API, such as the key "subscription_id", the scope "manage_subscriptions" or a
    sentence for a person, are no such name; neither is anything in a docstring.
    """
    statements = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    docstrings = {node for node in statements if isinstance(node, ast.Constant)}
    for node in ast.walk(tree):
        if node not in docstrings:
            yield from filter(THE_OTHER_APP.search, _names(node))


@pytest.mark.parametrize(
    "code",
    [
        "import subscriptions.models",
        "from subscriptions.services import firing",
        "apps.get_app_config('subscriptions')",
        "import_string('subscriptions.services.firing.fire')",
        "EventSubscription.objects.all()",
        "models.EventSubscription",
        "cursor.execute('DELETE FROM subscriptions_eventsubscription')",
        "settings.x.subscriptions",
    ],
)
def test_naming_the_subscriptions_is_noticed(code):
    assert list(_names_subscriptions(ast.parse(code)))


def test_the_registry_never_mentions_the_subscriptions():
    registry = {path: tree for path, tree in ALL.items() if path.startswith("models_registry/")}
    assert len(registry) > 20
    assert _found(registry, _names_subscriptions) == {}


# --- No handler type is known outside its module ----------------------------------------------
# The settings of each type, and the embedded default's own endpoint, which is one of Lambda's.
KNOW_LAMBDA = ("models_registry/handlers/", "config/settings.py", "config/embedded/")
# Looks at the settings of each type, which are part of a deployment.
KNOW_ITS_SETTINGS = ("config/doctor/checks.py",)
# Shows what a caller may send.
KNOW_ITS_BODIES = ("models_registry/api/openapi/examples.py",)
LAMBDA_TYPE = re.compile(r"lambda|lambda_\w+|\w*aws_lambda\w*|models_registry\.handlers\.\w+")
# What is the same for all handler types.
OF_ALL_TYPES = {f"models_registry.handlers.{name}" for name in ("events", "callbacks", "protocol")}


def _names_lambda(tree: ast.Module) -> Iterator[str]:
    """Yield names of Lambda's settings, of its modules, and of its type and errors as text."""
    for node in ast.walk(tree):
        for name in set(_names(node)) - OF_ALL_TYPES:
            is_setting = name.startswith("LAMBDA_") and not isinstance(node, ast.Constant)
            if is_setting or LAMBDA_TYPE.fullmatch(name):
                yield name


@pytest.mark.parametrize(
    "code",
    [
        "handler_for('lambda')",
        "{'type': 'lambda'}",
        "settings.LAMBDA_ACCOUNTS",
        "from models_registry.handlers.aws_lambda import dry_run",
        "from models_registry.handlers import aws_lambda",
        "from models_registry.handlers.arns import ARN",
        "{'lambda_not_found': 'Create it.'}",
    ],
)
def test_naming_a_handler_type_is_noticed(code):
    assert list(_names_lambda(ast.parse(code)))


def test_no_handler_type_is_known_outside_its_module():
    others = {path: tree for path, tree in ALL.items() if not path.startswith(KNOW_LAMBDA)}
    found = _found(others, _names_lambda)
    assert {path for path in found if path not in KNOW_ITS_SETTINGS + KNOW_ITS_BODIES} == set()
    for path in KNOW_ITS_SETTINGS:
        assert [name for name in found[path] if not name.startswith("LAMBDA_")] == []
    assert set(found["models_registry/api/openapi/examples.py"]) == {"lambda"}


def _facts() -> dict[str, Signal]:
    return {name: fact for name, fact in vars(signals).items() if isinstance(fact, Signal)}


@pytest.mark.parametrize("name", _facts())
def test_every_announced_fact_has_a_listener(name):
    assert _facts()[name].has_listeners()


def test_facts_are_sent_by_services_alone_and_with_send():
    """Within the transaction that makes them true: never robustly, never from post_save."""
    sent: set[str] = set()
    for path, tree in ALL.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in {"send", "send_robust", "asend"}:
                receiver = ast.unparse(node.value)
                if receiver.startswith("signals."):
                    assert _may_write(path), path
                    assert node.attr == "send", path
                    sent.add(receiver.removeprefix("signals."))
            assert not (isinstance(node, ast.Name) and node.id in {"post_save", "post_delete"})
    assert sent == set(_facts())


def test_foreign_keys_to_the_registry_leave_no_trace_in_it():
    keys = [
        field
        for model in apps.get_app_config("subscriptions").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and field.related_model._meta.app_label == "models_registry"  # type: ignore[union-attr]
    ]
    assert keys
    assert [str(key) for key in keys if key.remote_field.related_name != "+"] == []


# --- Services are the only writers ------------------------------------------------------------
ALWAYS_WRITES = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
WRITES_ON_A_TABLE = {"create", "update", "delete"}
TABLE = re.compile(r"\bobjects\b|\bfilter\(|\bexclude\(|queryset\b|_set\b")
STATEMENT = re.compile(r"\s*(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.IGNORECASE)


# The packages of services: each public function is a transaction, or says that it is inside one.
SERVICES = ("services", "queue", "db", "impact", "revalidation")


def _may_write(path: str) -> bool:
    own_rows = path == "models_registry/observability/heartbeats.py"
    return own_rows or bool(set(SERVICES) & set(Path(path).parent.parts))


def _writes(tree: ast.Module) -> Iterator[str]:
    """Yield calls that write rows or open a transaction, and statements of SQL that write."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if STATEMENT.match(node.value):
                yield f"line {node.lineno}: {node.value[:40]!r}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, on = node.func.attr, ast.unparse(node.func.value)
            bare_delete = name == "delete" and not node.args and not node.keywords
            on_a_table = name in WRITES_ON_A_TABLE and TABLE.search(on)
            if name in ALWAYS_WRITES or bare_delete or on_a_table or name == "atomic":
                yield f"line {node.lineno}: {on}.{name}()"


@pytest.mark.parametrize(
    "code",
    [
        "model.save(update_fields=['name'])",
        "Job.objects.filter(pk=1).update(status='success')",
        "Model.objects.create(id='a')",
        "model.delete()",
        "queryset.update(status='paused')",
        "ModelVersion.objects.bulk_create([])",
        "cursor.execute('UPDATE models_registry_job SET status = 1')",
        "with transaction.atomic(): pass",
    ],
)
def test_writing_is_noticed(code):
    assert list(_writes(ast.parse(code)))


def test_only_services_write():
    """Views, tasks, receivers, admin and commands call a service; it owns the transaction."""
    others = {path: tree for path, tree in ALL.items() if not _may_write(path)}
    assert _found(others, _writes) == {}
    assert len(_found(ALL, _writes)) > 5


# --- Databases differ in one place --------------------------------------------------------------
# Django's backend of the settings, and the package that everything else asks.
KNOW_THE_DATABASE = ("models_registry/db/", "config/postgresql/")
ASKS_THE_DATABASE = {"vendor", "is_postgresql", "cursor", "features", "ops", "stream"}


def _asks_the_database(tree: ast.Module) -> Iterator[str]:
    """Yield what opens a cursor, or asks which database it is or what that can do."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, value=on) if name in ASKS_THE_DATABASE:
                if name == "is_postgresql" or "connection" in ast.unparse(on):
                    yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(names=names):
                yield from (each.name for each in names if each.name == "is_postgresql")


@pytest.mark.parametrize(
    "code",
    [
        "if connection.vendor == 'postgresql': pass",
        "with connections['default'].cursor() as cursor: pass",
        "connection.features.has_select_for_update",
        "connection.ops.adapt_datetimefield_value(now)",
        "from models_registry.db.dialect import is_postgresql",
        "dialect.is_postgresql()",
    ],
)
def test_asking_the_database_is_noticed(code):
    assert list(_asks_the_database(ast.parse(code)))


def test_only_the_package_for_it_knows_which_database_it_is():
    others = {path: tree for path, tree in ALL.items() if not path.startswith(KNOW_THE_DATABASE)}
    assert _found(others, _asks_the_database) == {}
    assert len(_found(ALL, _asks_the_database)) > 3


# --- Modules ----------------------------------------------------------------------------------
def test_every_module_begins_with_its_caption():
    captions = {
        path: (ast.get_docstring(tree) or "").partition("\n")[0] for path, tree in MODULES.items()
    }
    assert [path for path, caption in captions.items() if not caption.endswith(".")] == []


def test_no_module_has_grown_too_long():
    """Under 250 lines is the aim; at 400 a module is split by noun."""
    lines = {path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in ALL}
    assert {path: count for path, count in lines.items() if count >= HARD_LIMIT_LINES} == {}


def test_no_module_has_a_name_that_says_nothing():
    nothing = {"utils", "common", "helpers", "core", "misc"}
    parts = {part for path in ALL for part in Path(path).with_suffix("").parts}
    assert parts & nothing == set()


def test_the_top_level_holds_what_it_should_and_nothing_else():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    names = {path.partition("/")[0] for path in listed} or {each.name for each in ROOT.iterdir()}
    kept = {"manage.py", "pyproject.toml", "README.md", "requirements", "tests"}
    apps = {"config", "models_registry", "subscriptions"}

    # Without git, what Python keeps for itself and what builds a wheel is seen too.
    names -= {"__pycache__", "build", "modelpact.egg-info"}
    assert {name for name in names if not name.startswith(".")} == kept | apps
