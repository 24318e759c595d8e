"""`manage.py serve`: the whole service in one process; with `--demo` it shows what it does."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.text import Text

from config.embedded.admin import USERNAME, admin_password
from config.embedded.data import DataDir, DataDirInUse
from config.embedded.demo import play_all, stage_for
from config.embedded.server import CannotListen, address_of, listen
from config.embedded.service import STOP_SECONDS, end, end_at_the_latest, running, settle
from config.embedded.tokens import TokensComeFromIssuer, mint_token
from config.embedded.worker import WorkersDidNotStart

FUNCTIONS = Path(__file__).resolve().parents[2] / "embedded" / "functions"
TOKEN_HOURS = 8
INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Run the whole service in this process: HTTP, workers and a local Lambda endpoint, on"
        " SQLite. Ctrl-C or SIGTERM stops it, within"
        f" {STOP_SECONDS} seconds; what was under way goes on at the next start."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="(default: %(default)s)")
        parser.add_argument(
            "--port", type=int, default=8000, help="0 takes a free one (default: %(default)s)"
        )
        parser.add_argument(
            "--data", metavar="DIR", help="where the database and the secrets are kept"
        )
        parser.add_argument(
            "--functions",
            metavar="DIR",
            type=Path,
            default=FUNCTIONS,
            help="Python files with a `handler(event, context)`, which stand for the Lambda"
            " functions of their names (default: the samples)",
        )
        parser.add_argument("--demo", action="store_true", help="play a story and show it")
        parser.add_argument(
            "--exit",
            action="store_true",
            help="with --demo: end after the story, with status 0 only if every step was seen",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options)
        # Everything made from here on, the database included, is for its owner alone.
        os.umask(0o077)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.default_int_handler)
        status = 1
        with ExitStack() as parts:
            try:
                access = _start(parts, options)
                status = _use(access, options)
            except KeyboardInterrupt:
                status = INTERRUPTED if options["exit"] else 0
            finally:
                # A second signal ends the process at once; so does a stop that takes too long.
                for name in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(name, lambda *_: os._exit(INTERRUPTED))
                end_at_the_latest(status=status)
        end(status=status)


@dataclass(frozen=True)
class _Access:
    """How to reach what was started; None where it is not ours to know."""

    address: str
    password: str | None
    token: str | None


def _check(options: dict[str, Any]) -> None:
    if not settings.EMBEDDED:
        raise CommandError(
            "This runs the embedded default, and the environment asks for production"
            " (DATABASE_URL or MODELPACT_MODE). config/docs/operating.md, under"
            ' "Running it in production", names the processes to run there.'
        )
    if options["exit"] and not options["demo"]:
        raise CommandError("--exit ends after the story of --demo; it means nothing without it.")
    if not options["functions"].is_dir():
        raise CommandError(f"--functions: there is no directory {options['functions']}.")


def _start(parts: ExitStack, options: dict[str, Any]) -> _Access:
    """Start everything; `parts` stops it. Raises CommandError when something is in the way."""
    data = DataDir(settings.DATA_DIR)
    try:
        parts.enter_context(data.held())
        listener = parts.enter_context(listen(options["host"], options["port"]))
    except DataDirInUse:
        message = f"Another process serves from {data.path}; choose another place with --data."
        raise CommandError(message) from None
    except CannotListen as error:
        raise CommandError(str(error)) from None
    settle(listener, options["host"])
    call_command("migrate", interactive=False, verbosity=0)
    password = admin_password(data)
    try:
        parts.enter_context(running(listener, functions=options["functions"].resolve()))
    except WorkersDidNotStart as error:
        raise CommandError(f"{error} did not start: does REDIS_URL name a Redis?") from None
    return _Access(address_of(listener), password, _token())


def _token() -> str | None:
    try:
        return mint_token(scopes=["admin"], hours=TOKEN_HOURS, subject=USERNAME)
    except TokensComeFromIssuer:
        return None


def _use(access: _Access, options: dict[str, Any]) -> int:
    """Play the demo if it is asked for, then serve until a signal; returns the exit status."""
    console = Console()
    if options["demo"]:
        if access.token is None:
            raise CommandError("The demo needs a token, and here only the issuer can sign one.")
        told = play_all(address=access.address, token=access.token, stage=stage_for(console))
        if told:
            console.print("Every step was seen to happen.", style="green")
        else:
            console.print("Not every step was seen to happen.", style="red")
        if options["exit"]:
            return 0 if told else 1
    _print_access(console, access)
    threading.Event().wait()
    return 0


def _print_access(console: Console, access: _Access) -> None:
    password = access.password or "yours (it was changed)"
    token = access.token or "from your issuer"
    for name, value in (
        ("API, to try out", f"{access.address}/v2/docs"),
        ("API, to read", f"{access.address}/v2/redoc"),
        ("OpenAPI document", f"{access.address}/v2/openapi.json"),
        ("Admin", f"{access.address}/admin/"),
        ("  user", USERNAME),
        ("  password", password),
        ("Kept in", str(settings.DATA_DIR)),
        (f"Token, {TOKEN_HOURS} hours", token),
    ):
        # On one line whatever the terminal's width, to be copied.
        console.print(Text.assemble((f"{name:<18}", "bold"), value), soft_wrap=True)
    console.print("Ctrl-C stops it; the next start goes on where it was.", style="dim")
