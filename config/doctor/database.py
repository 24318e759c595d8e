"""Checks the database: connection, version, migrations, clock, workers, waiting jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config.doctor import Finding, ok, problem, warning
from models_registry.db import dialect
from models_registry.models import Dispatch, Job
from models_registry.observability import readiness

POSTGRESQL_OLDEST = 14
START = "Start it: see config/docs/operating.md."
# Deadlines use the clock of the database, tokens the clock of this host. In seconds.
SKEW_NOTICED, SKEW_HARMFUL = 2.0, 30.0


def check_database() -> Iterator[Finding]:
    """Check the connection, then what needs one."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        yield problem(
            "database",
            f"The database can't be reached: {reason}",
            "Check that PostgreSQL runs and that DATABASE_URL is correct.",
        )
        return
    yield _version()
    migrations = _migrations()
    yield migrations
    yield _clock()
    if migrations.state == "ok":
        yield from _workers()
        yield _waiting_jobs()


def _version() -> Finding:
    name = f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"
    version = dialect.server_version()
    if version is not None and version[0] < POSTGRESQL_OLDEST:
        advice = f"Use PostgreSQL {POSTGRESQL_OLDEST} or newer."
        return problem("database", f"The database is {name}.", advice)
    if version is None and not settings.EMBEDDED:
        return warning(
            "database", f"The database is {name}.", "Use PostgreSQL: SQLite is for one machine."
        )
    return ok("database", f"{name} answers.")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return ok("migrations", "All migrations are applied.")
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:5])
    return problem(
        "migrations",
        f"{len(plan)} not applied: {names}{', ...' if len(plan) > 5 else ''}",
        "Run `manage.py migrate`.",
    )


def _clock() -> Finding:
    before, theirs, after = timezone.now(), dialect.server_time(), timezone.now()
    if theirs is None:
        return ok("clock", "The database is on this host.")
    seconds = (theirs - (before + (after - before) / 2)).total_seconds()
    message = f"The database clock is {abs(seconds):.2f} s {'ahead' if seconds > 0 else 'behind'}."
    advice = "Use NTP on both hosts."
    if abs(seconds) > SKEW_HARMFUL:
        return problem("clock", message, advice)
    return (
        warning("clock", message, advice) if abs(seconds) > SKEW_NOTICED else ok("clock", message)
    )


def _workers() -> Iterator[Finding]:
    """Check the heartbeats: every queue has a worker, and beat runs the sweeps."""
    start = "Run `manage.py serve`." if settings.EMBEDDED else START
    found = readiness.look_at_database()
    for part, message in (
        ("workers", "Each queue has a worker."),
        ("sweep", "The last sweep is recent."),
    ):
        sign = found.get(part)
        if sign is None or sign.is_ok:
            yield ok(part, message)
        else:
            # In the embedded mode everything stops together, which is not a problem.
            yield (warning if settings.EMBEDDED else problem)(part, sign.message, start)


def _waiting_jobs() -> Finding:
    """Check for jobs that a sweep and a worker should have taken long ago."""
    patience = timedelta(seconds=max(60.0, 5 * settings.SWEEP_INTERVAL_SECONDS))
    oldest = (
        Job.objects.filter(dispatch=Dispatch.QUEUED, due_at__lte=timezone.now() - patience)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    if oldest is None:
        return ok("jobs", "No job waits too long for a worker.")
    seconds = (timezone.now() - oldest).total_seconds()
    return problem(
        "jobs",
        f"The oldest waiting job is due for {seconds:.0f} s.",
        "Check that workers and beat run and have capacity: `celery -A config status`.",
    )
