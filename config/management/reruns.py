"""What `manage.py retry` and `manage.py cancel` share: doing something to each of some jobs."""

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
    """What became of one job: what it is now, or why it was refused."""

    job_id: str
    done: bool
    result: str


class JobsCommand(TerminalCommand):
    """Does one thing to each job named, and goes on where one is refused.

    Exits with status 1 when any was refused. `verb` is what a person calls it.
    """

    verb: ClassVar[str]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("jobs", nargs="+", type=UUID, metavar="JOB", help="the id of a job")

    @abstractmethod
    def do(self, job_id: UUID) -> Job:
        """Do it to one job. Raises DomainError."""

    @abstractmethod
    def said(self, job: Job) -> str:
        """Say what came of it."""

    def show(self, **options: Any) -> None:
        # Each once, in the order given.
        asked = dict.fromkeys(options["jobs"])
        outcomes = [_outcome(job_id, self.do, self.said) for job_id in asked]
        columns = (
            Column("JOB", lambda outcome: outcome["job_id"]),
            Column(self.verb.upper(), _is_done),
            Column("RESULT", lambda outcome: outcome["result"]),
        )
        self.display.rows(outcomes, columns, objects=outcomes, nothing="")
        if not all(outcome["done"] for outcome in outcomes):
            sys.exit(1)


def _outcome(job_id: UUID, do: Callable[[UUID], Job], said: Callable[[Job], str]) -> Outcome:
    try:
        return Outcome(job_id=str(job_id), done=True, result=said(do(job_id)))
    except DomainError as refusal:
        return Outcome(job_id=str(job_id), done=False, result=refusal.message)


def _is_done(outcome: Outcome) -> Text:
    return Text("yes", style="green") if outcome["done"] else Text("no", style="red")
