"""What the commands have in common: `--json`, `--limit`, examples in the help, how they fail."""

from __future__ import annotations

import argparse
import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import DatabaseError

from config.terminal.display import Display
from models_registry.errors import DomainError, InvalidRequest

LIMIT_DEFAULT = 50


class BadArguments(CommandError):
    """The arguments make no sense: exit status 2, as for those that the parser refuses."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class _Formatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Leaves the lines of the examples as they are."""


class TerminalCommand(BaseCommand, ABC):
    """A command that shows the API's objects; a subclass carries it out in `show`.

    Exit status: 0 done, 1 refused or not found, 2 bad arguments. `examples` end its help: lines
    without the program's name (`manage.py` or `modelpact`).
    """

    examples: tuple[str, ...] = ()
    # What it reads was checked when the service started.
    requires_system_checks = []
    display: Display

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        program = Path(prog_name).name
        lines = "\n".join(f"  {program} {line}" for line in self.examples)
        kwargs.setdefault("epilog", f"examples:\n{lines}" if lines else None)
        kwargs.setdefault("formatter_class", _Formatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON with the API's field names")
        # manage.py has applied it already: the settings need it before a command runs.
        parser.add_argument(
            "--data", metavar="DIR", help="the data directory of the embedded default"
        )

    def add_limit(self, parser: CommandParser) -> None:
        """Let the caller bound how many rows are shown."""
        parser.add_argument(
            "--limit",
            type=_limit,
            default=LIMIT_DEFAULT,
            metavar="N",
            help=f"show at most N, up to {settings.PAGE_SIZE_LIMIT} (default: %(default)s)",
        )

    @abstractmethod
    def show(self, **options: Any) -> None:
        """Do what the command is for. A DomainError becomes a message and an exit status."""

    def handle(self, *args: Any, **options: Any) -> None:
        self.display = Display(
            options.get("stdout") or sys.stdout,
            options.get("stderr") or sys.stderr,
            as_json=options["json"],
            no_color=options["no_color"],
            force_terminal=options["force_color"] or None,
        )
        try:
            self.show(**options)
        except BrokenPipeError:
            _leave_pipe()
        except DomainError as error:
            raise CommandError(_told(error), returncode=_returncode(error)) from None
        except DatabaseError as error:
            raise CommandError(_database_told(error)) from None


def _returncode(error: DomainError) -> int:
    return 2 if isinstance(error, InvalidRequest) else 1


def _told(error: DomainError) -> str:
    faults = [f"  {fault.path or '(all)'}: {fault.message}" for fault in error.faults]
    return "\n".join([error.message, *faults])


def _database_told(error: DatabaseError) -> str:
    where = f" in {settings.DATA_DIR}" if settings.EMBEDDED else ""
    first = "`manage.py serve`" if settings.EMBEDDED else "`manage.py migrate`"
    reason = str(error).partition("\n")[0]
    return f"The database{where} can't be used: {reason}. Has {first} been run?"


def _leave_pipe() -> None:
    """End quietly when the reader of a pipe, such as `head`, has gone."""
    # What the interpreter flushes at its end must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _limit(text: str) -> int:
    # ASCII digits only; `isdecimal` takes others as well.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if not 1 <= number <= settings.PAGE_SIZE_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {settings.PAGE_SIZE_LIMIT}")
    return number
