"""The base command: `--json`, `--limit`, examples in the help, exit statuses."""

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
    """Invalid arguments: exit status 2, like argparse."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class _Formatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples."""


class TerminalCommand(BaseCommand, ABC):
    """A command that shows API objects; a subclass implements `show`.

    Exit status: 0 success, 1 refused or not found, 2 invalid arguments. `examples` are shown at
    the end of the help, as lines without the program's name (`manage.py` or `modelpact`).
    """

    examples: tuple[str, ...] = ()
    # The service ran the system checks when it started.
    requires_system_checks = []
    display: Display

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        program = Path(prog_name).name
        lines = "\n".join(f"  {program} {line}" for line in self.examples)
        kwargs.setdefault("epilog", f"examples:\n{lines}" if lines else None)
        kwargs.setdefault("formatter_class", _Formatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print JSON with the field names of the API"
        )
        # manage.py has already applied --data, because the settings need it.
        parser.add_argument("--data", metavar="DIR", help="data directory of the embedded mode")

    def add_limit(self, parser: CommandParser) -> None:
        """Add `--limit`."""
        parser.add_argument(
            "--limit",
            type=_limit,
            default=LIMIT_DEFAULT,
            metavar="N",
            help=f"show at most N, up to {settings.PAGE_SIZE_LIMIT} (default: %(default)s)",
        )

    @abstractmethod
    def show(self, **options: Any) -> None:
        """Run the command. A DomainError becomes a message and an exit status."""

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
            _end_quietly()
        except DomainError as error:
            raise CommandError(_message(error), returncode=_returncode(error)) from None
        except DatabaseError as error:
            raise CommandError(_database_message(error)) from None


def _returncode(error: DomainError) -> int:
    return 2 if isinstance(error, InvalidRequest) else 1


def _message(error: DomainError) -> str:
    faults = [f"  {fault.path or '(all)'}: {fault.message}" for fault in error.faults]
    return "\n".join([error.message, *faults])


def _database_message(error: DatabaseError) -> str:
    where = f" in {settings.DATA_DIR}" if settings.EMBEDDED else ""
    first = "`manage.py serve`" if settings.EMBEDDED else "`manage.py migrate`"
    reason = str(error).partition("\n")[0]
    return f"The database{where} can't be used: {reason}. Run {first} first."


def _end_quietly() -> None:
    """End without an error when the reader of a pipe, such as `head`, has closed it."""
    # The final flush of the interpreter must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _limit(text: str) -> int:
    # ASCII digits only; `isdecimal` takes others as well.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if not 1 <= number <= settings.PAGE_SIZE_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {settings.PAGE_SIZE_LIMIT}")
    return number
