"""Whether the database answers, has this release's tables and time, and who works on its rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config.doctor.findings import Finding, problem, warning, well
from models_registry.db import dialect
from models_registry.models import Dispatch, Job
from models_registry.observability import readiness

POSTGRESQL_OLDEST = 14
START = "Start it: see the README, `Running it in production`."
# Deadlines go by the database's clock and tokens by this host's. In seconds.
SKEW_NOTICED, SKEW_HARMFUL = 2.0, 30.0


def examine() -> Iterator[Finding]:
    """Look at the connection, then at what needs one."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        said = str(error).strip().splitlines()[0]
        yield problem(
            "database",
            f"It can't be reached: {said}",
            "See that PostgreSQL runs and that DATABASE_URL names it, a user and a database.",
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
        return problem("database", f"It is {name}.", advice)
    if version is None and not settings.EMBEDDED:
        return warning(
            "database", f"It is {name}.", "Use PostgreSQL: SQLite is for a single machine."
        )
    return well("database", f"{name} answers.")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return well("migrations", "All are applied.")
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:5])
    return problem(
        "migrations",
        f"{len(plan)} not applied: {names}{', ...' if len(plan) > 5 else ''}",
        "Run `manage.py migrate`.",
    )


def _clock() -> Finding:
    before, theirs, after = timezone.now(), dialect.server_time(), timezone.now()
    if theirs is None:
        return well("clock", "The database is on this host.")
    seconds = (theirs - (before + (after - before) / 2)).total_seconds()
    said = f"The database's clock is {abs(seconds):.2f} s {'ahead' if seconds > 0 else 'behind'}."
    advice = "Have both hosts keep their time by NTP."
    if abs(seconds) > SKEW_HARMFUL:
        return problem("clock", said, advice)
    return warning("clock", said, advice) if abs(seconds) > SKEW_NOTICED else well("clock", said)


def _workers() -> Iterator[Finding]:
    """Say which queues have no worker, and whether beat has sweeps made, by their signs of life."""
    start = "Run `manage.py serve`." if settings.EMBEDDED else START
    found = readiness.look_at_database()
    for part, said in (("workers", "Each queue has one."), ("sweep", "One was made lately.")):
        sign = found.get(part)
        if sign is None or sign.is_ok:
            yield well(part, said)
        else:
            # Of the embedded default everything stops together, and that is no fault.
            yield (warning if settings.EMBEDDED else problem)(part, sign.message, start)


def _waiting_jobs() -> Finding:
    """Say whether jobs wait that a sweep and a worker should have taken long ago."""
    patience = timedelta(seconds=max(60.0, 5 * settings.SWEEP_INTERVAL_SECONDS))
    oldest = (
        Job.objects.filter(dispatch=Dispatch.QUEUED, due_at__lte=timezone.now() - patience)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    if oldest is None:
        return well("jobs", "None waits for a worker longer than it should.")
    seconds = (timezone.now() - oldest).total_seconds()
    return problem(
        "jobs",
        f"The oldest has been due for {seconds:.0f} s.",
        "See that workers and beat run, and have a place free: `celery -A config status`.",
    )
