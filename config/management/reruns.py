"""The base of `manage.py retry` and `manage.py cancel`: one action on each of several jobs."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypedDict
from uuid import UUID

from django.core.management.base import CommandParser
from rich.text import Text

from config.terminal import Column, TerminalCommand
from models_registry.errors import DomainError
from models_registry.models import Job


class Outcome(TypedDict):
    """The outcome for one job: its result, or the reason of the refusal."""

    job_id: str
    done: bool
    result: str


class JobsCommand(TerminalCommand):
    """Runs an action on each job, and continues after a refusal.

    Exit status 1 if any is refused. `verb` is the column header.
    """

    verb: ClassVar[str]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("jobs", nargs="+", type=UUID, metavar="JOB", help="job id")

    @abstractmethod
    def do(self, job_id: UUID) -> Job:
        """Run the action on one job. Raises DomainError."""

    @abstractmethod
    def result(self, job: Job) -> str:
        """Return the result in a sentence."""

    def show(self, **options: Any) -> None:
        # Without duplicates, in the given order.
        job_ids = dict.fromkeys(options["jobs"])
        outcomes = [_outcome(job_id, self.do, self.result) for job_id in job_ids]
        columns = (
            Column("JOB", lambda outcome: outcome["job_id"]),
            Column(self.verb.upper(), _is_done),
            Column("RESULT", lambda outcome: outcome["result"]),
        )
        self.display.rows(outcomes, columns, objects=outcomes, empty="")
        if not all(outcome["done"] for outcome in outcomes):
            sys.exit(1)


def _outcome(job_id: UUID, do: Callable[[UUID], Job], result: Callable[[Job], str]) -> Outcome:
    try:
        return Outcome(job_id=str(job_id), done=True, result=result(do(job_id)))
    except DomainError as refusal:
        return Outcome(job_id=str(job_id), done=False, result=refusal.message)


def _is_done(outcome: Outcome) -> Text:
    return Text("yes", style="green") if outcome["done"] else Text("no", style="red")
