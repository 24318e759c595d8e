"""Migrations run while the old release goes on: none may hold a lock that requests wait for (F21).

squawk judges the SQL that each migration would run on PostgreSQL. The first release made every
table, on a database that nobody used; what comes after it is judged.
"""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

SQUAWK = Path(sys.prefix) / "bin" / "squawk"
APPS = ("models_registry", "subscriptions", "modelpact_config")
# The last migration of the first release, by app.
FIRST_RELEASE = {"models_registry": 7, "subscriptions": 5, "modelpact_config": 1}
# Matters of taste, of drivers' limits on integers, and what our settings give every connection.
NOT_ASKED = (
    "ban-drop-not-null",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "require-lock-timeout",
    "require-statement-timeout",
    "transaction-nesting",
)

REFUSED = {
    "an index that blocks writes": (
        "require-concurrent-index-creation",
        'CREATE INDEX "i" ON "models_registry_job" ("attempts");',
    ),
    "a column that the old release does not fill": (
        "adding-required-field",
        'ALTER TABLE "models_registry_job" ADD COLUMN "n" integer NOT NULL;',
    ),
    "a default that the database forgets": (
        "ban-drop-default",
        'ALTER TABLE "models_registry_job" ADD COLUMN "n" integer DEFAULT 0 NOT NULL;'
        ' ALTER TABLE "models_registry_job" ALTER COLUMN "n" DROP DEFAULT;',
    ),
    "a column made obligatory": (
        "adding-not-nullable-field",
        'ALTER TABLE "models_registry_job" ALTER COLUMN "error" SET NOT NULL;',
    ),
    "a column dropped": (
        "ban-drop-column",
        'ALTER TABLE "models_registry_job" DROP COLUMN "error";',
    ),
    "a column renamed": (
        "renaming-column",
        'ALTER TABLE "models_registry_job" RENAME COLUMN "error" TO "fault";',
    ),
    "a table renamed": ("renaming-table", 'ALTER TABLE "models_registry_job" RENAME TO "job";'),
    "a table dropped": ("ban-drop-table", 'DROP TABLE "models_registry_job";'),
    "another type": (
        "changing-column-type",
        'ALTER TABLE "models_registry_job" ALTER COLUMN "attempts" TYPE bigint;',
    ),
    "a check that reads every row": (
        "constraint-missing-not-valid",
        'ALTER TABLE "models_registry_job" ADD CONSTRAINT "c" CHECK ("attempts" >= 0);',
    ),
    "a foreign key that locks both tables": (
        "adding-foreign-key-constraint",
        'ALTER TABLE "models_registry_job" ADD CONSTRAINT "f"'
        ' FOREIGN KEY ("model_id") REFERENCES "models_registry_model" ("id");',
    ),
    "uniqueness that locks the table": (
        "disallowed-unique-constraint",
        'ALTER TABLE "models_registry_job" ADD CONSTRAINT "u" UNIQUE ("claim");',
    ),
}
# Without names in common: tests/faults/test_migrated_under_load.py applies all of it.
ALLOWED = {
    "a new table with its indexes": (
        'CREATE TABLE "t" ("id" bigint NOT NULL PRIMARY KEY, "a" varchar(3) NOT NULL);'
        ' CREATE INDEX "t_by_a" ON "t" ("a");'
    ),
    "a column that may be null": 'ALTER TABLE "models_registry_job" ADD COLUMN "n" integer NULL;',
    "a default that the database keeps": (
        'ALTER TABLE "models_registry_job" ADD COLUMN "m" integer DEFAULT 0 NOT NULL;'
    ),
    "an index made beside the writers": (
        'CREATE INDEX CONCURRENTLY "i" ON "models_registry_job" ("attempts");'
    ),
    "a check that is validated later": (
        'ALTER TABLE "models_registry_job" ADD CONSTRAINT "c" CHECK ("attempts" >= 0) NOT VALID;'
    ),
}


def _faults(sql: str, *, is_atomic: bool) -> list[str]:
    """Return what squawk says against `sql`, a line for each fault."""
    found = subprocess.run(
        [
            SQUAWK,
            "--reporter=gcc",
            "--pg-version=14",
            f"--exclude={','.join(NOT_ASKED)}",
            *(["--assume-in-transaction"] if is_atomic else []),
        ],
        input=sql,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode in (0, 1), found.stderr
    return [line for line in found.stdout.splitlines() if ": warning: " in line or "error" in line]


@pytest.mark.parametrize("what", REFUSED)
def test_a_locking_migration_is_refused(what):
    rule, sql = REFUSED[what]

    assert any(f" {rule} " in fault for fault in _faults(sql, is_atomic=True))


@pytest.mark.parametrize("what", ALLOWED)
def test_one_that_the_old_release_can_live_with_is_not(what):
    is_atomic = "CONCURRENTLY" not in ALLOWED[what]

    assert _faults(ALLOWED[what], is_atomic=is_atomic) == []


@pytest.mark.postgres
# Outside a transaction, as they would be: what is made beside writers can't be inside one.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("app", APPS)
def test_no_migration_after_the_first_release_locks(app):
    loader = MigrationLoader(None)
    mine = sorted(name for label, name in loader.disk_migrations if label == app)
    assert int(mine[0][:4]) == 1

    for name in (each for each in mine if int(each[:4]) > FIRST_RELEASE[app]):
        sql = StringIO()
        call_command("sqlmigrate", app, name, stdout=sql)
        migration = loader.disk_migrations[app, name]
        assert _faults(sql.getvalue(), is_atomic=migration.atomic) == [], name


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_check_reads_what_django_would_run():
    """The migrations of the first release would be refused by now: so the check is no empty one."""
    sql = StringIO()
    call_command("sqlmigrate", "models_registry", "0007", stdout=sql)

    (fault,) = _faults(sql.getvalue(), is_atomic=True)
    assert "require-concurrent-index-creation" in fault
