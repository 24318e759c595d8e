"""`manage.py jobs`: lists jobs, newest first, or follows them while they run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models import F, QuerySet
from django.utils import timezone

from config.terminal import Column, TerminalCommand, state
from config.terminal.signals import interruption
from models_registry.api.representations import job_object
from models_registry.db.read_models import timestamp
from models_registry.models import OPEN_JOB, Action, Job, JobStatus
from models_registry.services.lookups import require_model

POLL_SECONDS = 0.5
# Whole jobs in memory at a time; an input may have 900 kB.
ROWS_AT_A_TIME = 50
# A job may be committed this long after its creation; until then, polls read recent ids again.
OVERLAP = timedelta(seconds=10)
# The number of open jobs, the newest ones, whose changes are followed.
OPEN_LIMIT = 500
# The number of new jobs that one poll reads; the next polls read the rest.
NEW_LIMIT = 5_000

# A change of this shows a job again.
State = tuple[str, int]


def _model_and_version(job: Job) -> str:
    return f"{job.model_id}/{job.version.version}"


def _outcome(job: Job) -> str | None:
    """Return the error of a job, or its warnings."""
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
    Column("ATTEMPTS", lambda job: str(job.calls)),
    Column("MODEL/VERSION", _model_and_version),
    Column("ERROR AND WARNINGS", _outcome, truncatable=True),
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
        "List jobs, newest first. With --follow, list them oldest first and then each new or"
        " changed job until Ctrl-C; with --json, one job per line."
    )
    examples = (
        "jobs --model model_price_reco_v1 --status failure",
        "jobs --follow",
        "jobs --follow --json | jq -c '[.id, .status]'",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--model", metavar="ID", help="only jobs of this model")
        parser.add_argument("--status", choices=JobStatus.values, help="only jobs with this status")
        parser.add_argument("--type", choices=Action.values, help="only jobs of this type")
        parser.add_argument(
            "--follow", action="store_true", help="continue with new and changed jobs"
        )
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
            empty="No jobs match.",
            more=len(found) > limit,
        )

    def _follow(self, jobs: QuerySet[Job], status: str | None, limit: int) -> None:
        """Print the newest jobs and then each change; `status` filters both."""
        with interruption() as interrupted:
            poller = JobPoller(jobs)
            newest = _in(jobs, status).order_by("-pk").values_list("pk", flat=True)[:limit]
            self._append(reversed(newest), status)
            while not interrupted.wait(POLL_SECONDS):
                self._append(poller.poll(), status)

    def _append(self, ids: Iterator[UUID], status: str | None) -> None:
        while some := list(islice(ids, ROWS_AT_A_TIME)):
            jobs = Job.objects.select_related("version").filter(pk__in=some).order_by("pk")
            for job in _in(jobs, status):
                self.display.line(job, FOLLOWED, job_object(job))


def _in(jobs: QuerySet[Job], status: str | None) -> QuerySet[Job]:
    return jobs if status is None else jobs.filter(status=status)


class JobPoller:
    """Finds jobs that are created or changed after the poller is created."""

    def __init__(self, jobs: QuerySet[Job]) -> None:
        self._jobs = jobs
        # The last state by id: of open jobs, and of those that the overlap reads again.
        self._seen: dict[UUID, State] = {}
        self._floor = _first_id_of(timezone.now() - OVERLAP)
        recent = self._jobs.filter(pk__gte=self._floor).order_by("pk")
        opened = self._jobs.filter(status__in=OPEN_JOB).order_by("-pk")[:OPEN_LIMIT]
        for found in (opened, recent[:NEW_LIMIT]):
            self._seen |= _states(found)

    def poll(self) -> Iterator[UUID]:
        """Yield the ids of jobs that are new or changed since the last poll, in order.

        Always two queries.
        """
        changed = self._changed() | self._new()
        for pk in sorted(changed):
            if self._seen.get(pk) != changed[pk]:
                self._seen[pk] = changed[pk]
                yield pk
        self._forget()

    def _changed(self) -> dict[UUID, State]:
        open_ids = [pk for pk, (status, _) in self._seen.items() if status in OPEN_JOB]
        found = _states(self._jobs.filter(pk__in=open_ids))
        for pk in open_ids:
            if pk not in found:  # deleted
                del self._seen[pk]
        return found

    def _new(self) -> dict[UUID, State]:
        found = _states(self._jobs.filter(pk__gte=self._floor).order_by("pk")[:NEW_LIMIT])
        floor = _first_id_of(timezone.now() - OVERLAP)
        # If there are more than one poll reads, the next one starts where this one ended.
        self._floor = max(self._floor, min(floor, max(found, default=floor)))
        return found

    def _forget(self) -> None:
        """Keep the newest open jobs, and those that the overlap reads again."""
        opened = sorted(
            (pk for pk, (status, _) in self._seen.items() if status in OPEN_JOB), reverse=True
        )
        kept = set(islice(opened, OPEN_LIMIT))
        self._seen = {pk: now for pk, now in self._seen.items() if pk in kept or pk >= self._floor}


def _states(jobs: QuerySet[Job]) -> dict[UUID, State]:
    rows = jobs.values_list("pk", "status", F("attempts") + F("throttled"))
    return {pk: (status, calls) for pk, status, calls in rows}


def _first_id_of(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of `moment`; a UUIDv7 begins with its milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
