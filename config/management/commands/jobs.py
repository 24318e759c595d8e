"""`manage.py jobs`: lists jobs, newest first, or follows them while they run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from config.terminal import Column, TerminalCommand, state
from config.terminal.job_watch import JobWatch
from config.terminal.signals import interruption
from models_registry.api.representations import job_object
from models_registry.db.read_models import timestamp
from models_registry.models import Action, Job, JobStatus
from models_registry.services.lookups import require_model

LOOK_SECONDS = 0.5
# Whole jobs that are in memory at a time; an input may have 900 kB.
ROWS_AT_A_TIME = 50


def _model_and_version(job: Job) -> str:
    return f"{job.model_id}/{job.version.version}"


def _outcome(job: Job) -> str | None:
    """Say why a job failed, or what there is to warn of."""
    if job.error:
        return f"{job.error.get('code', '')}: {job.error.get('message', '')}".strip(": ")
    return "; ".join(job.warnings)


def _changed_at(job: Job) -> str:
    return timestamp(job.completed_at or job.started_at or job.created_at)[:19] + "Z"


COLUMNS = (
    Column("JOB", lambda job: str(job.pk)),
    Column("CREATED", lambda job: timestamp(job.created_at)[:19] + "Z"),
    Column("TYPE", lambda job: job.job_type),
    Column("STATUS", lambda job: state(job.status)),
    Column("TRIES", lambda job: str(job.calls)),
    Column("MODEL/VERSION", _model_and_version),
    Column("ERROR AND WARNINGS", _outcome, cuttable=True),
)
FOLLOWED = (
    Column("AT", _changed_at, width=20),
    Column("STATUS", lambda job: state(job.status), width=7),
    Column("TYPE", lambda job: job.job_type, width=9),
    Column("JOB", lambda job: str(job.pk), width=36),
    Column("MODEL/VERSION", _model_and_version),
    Column("ERROR AND WARNINGS", lambda job: _outcome(job) or ""),
)


class Command(TerminalCommand):
    help = (
        "List jobs, newest first. With --follow the oldest of these first, and then each job that"
        " is made or changes, until Ctrl-C; with --json one job a line."
    )
    examples = (
        "jobs --model model_price_reco_v1 --status failure",
        "jobs --follow",
        "jobs --follow --json | jq -c '[.id, .status]'",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--model", metavar="ID", help="only those of this model")
        parser.add_argument("--status", choices=JobStatus.values, help="only those that are so")
        parser.add_argument("--type", choices=Action.values, help="only those of this type")
        parser.add_argument("--follow", action="store_true", help="go on with what changes")
        self.add_limit(parser)

    def show(self, **options: Any) -> None:
        jobs = Job.objects.all()
        if options["model"] is not None:
            require_model(options["model"])
            jobs = jobs.filter(model_id=options["model"])
        if options["type"] is not None:
            jobs = jobs.filter(job_type=options["type"])
        if options["follow"]:
            self._follow(jobs, options["status"], options["limit"])
        else:
            self._list(_in(jobs, options["status"]), options["limit"])

    def _list(self, jobs: QuerySet[Job], limit: int) -> None:
        found = list(jobs.select_related("version").order_by("-pk")[: limit + 1])
        self.display.rows(
            found[:limit],
            COLUMNS,
            objects=map(job_object, found[:limit]),
            nothing="There is no such job.",
            more=len(found) > limit,
        )

    def _follow(self, jobs: QuerySet[Job], status: str | None, limit: int) -> None:
        """Show what there is and then what changes; a status narrows what is shown of that."""
        with interruption() as interrupted:
            watch = JobWatch(jobs)
            newest = _in(jobs, status).order_by("-pk").values_list("pk", flat=True)[:limit]
            self._append(reversed(newest), status)
            while not interrupted.wait(LOOK_SECONDS):
                self._append(watch.look(), status)

    def _append(self, ids: Iterator[UUID], status: str | None) -> None:
        while some := list(islice(ids, ROWS_AT_A_TIME)):
            jobs = Job.objects.select_related("version").filter(pk__in=some).order_by("pk")
            for job in _in(jobs, status):
                self.display.line(job, FOLLOWED, job_object(job))


def _in(jobs: QuerySet[Job], status: str | None) -> QuerySet[Job]:
    return jobs if status is None else jobs.filter(status=status)
