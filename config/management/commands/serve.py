"""`manage.py serve`: runs the whole service in one process; `--demo` runs the demo scenarios."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.text import Text

from config.embedded.data import DataDir, DataDirInUse
from config.embedded.demo import display_for, run_all
from config.embedded.server import CannotListen, address_of, listen
from config.embedded.service import STOP_SECONDS, apply_address, end, running, start_watchdog
from config.embedded.tokens import TokensComeFromIssuer, mint_token
from config.embedded.worker import WorkersDidNotStart

FUNCTIONS = Path(__file__).resolve().parents[2] / "embedded" / "functions"
USERNAME = "admin"
PASSWORD_BYTES = 12
TOKEN_HOURS = 8
INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Run the whole service in this process: HTTP, workers and a local Lambda endpoint, on"
        f" SQLite. Ctrl-C or SIGTERM stops it within {STOP_SECONDS} seconds; interrupted work"
        " continues at the next start."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to bind (default: %(default)s)"
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="port; 0 takes a free one (default: %(default)s)"
        )
        parser.add_argument(
            "--data", metavar="DIR", help="data directory, with the database and the secrets"
        )
        parser.add_argument(
            "--functions",
            metavar="DIR",
            type=Path,
            default=FUNCTIONS,
            help="directory of Python files with a `handler(event, context)`; each is the Lambda"
            " function of its name (default: the samples)",
        )
        parser.add_argument("--demo", action="store_true", help="run the demo scenarios")
        parser.add_argument(
            "--exit",
            action="store_true",
            help="with --demo: exit after the scenarios, with status 0 only if every step succeeds",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options)
        # All files from here on, including the database, are private to their owner.
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
                # A second signal, or a stop that takes too long, ends the process immediately.
                for name in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(name, lambda *_: os._exit(INTERRUPTED))
                start_watchdog(status=status)
        end(status=status)


@dataclass(frozen=True)
class _Access:
    """The URL and the credentials of the service; None where they are unknown."""

    address: str
    password: str | None
    token: str | None


def _check(options: dict[str, Any]) -> None:
    if not settings.EMBEDDED:
        raise CommandError(
            "This command runs the embedded mode, but the environment selects production"
            " (DATABASE_URL or MODELPACT_MODE). config/docs/operating.md, under"
            ' "Running it in production", lists the processes to run there.'
        )
    if options["exit"] and not options["demo"]:
        raise CommandError("--exit needs --demo.")
    if not options["functions"].is_dir():
        raise CommandError(f"--functions: there is no directory {options['functions']}.")


def _start(parts: ExitStack, options: dict[str, Any]) -> _Access:
    """Start everything; closing `parts` stops it. Raises CommandError."""
    data = DataDir(settings.DATA_DIR)
    try:
        parts.enter_context(data.locked())
        listener = parts.enter_context(listen(options["host"], options["port"]))
    except DataDirInUse:
        message = f"Another process uses {data.path}; choose another directory with --data."
        raise CommandError(message) from None
    except CannotListen as error:
        raise CommandError(str(error)) from None
    apply_address(listener, options["host"])
    call_command("migrate", interactive=False, verbosity=0)
    password = _admin_password(data)
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
    """Run the demo if requested, then serve until a signal; returns the exit status."""
    console = Console()
    if options["demo"]:
        if access.token is None:
            raise CommandError("The demo needs a token, but only the issuer can sign one.")
        display = display_for(console)
        succeeded = run_all(address=access.address, token=access.token, display=display)
        if succeeded:
            console.print("Every step succeeded.", style="green")
        else:
            console.print("A step failed.", style="red")
        if options["exit"]:
            return 0 if succeeded else 1
    _print_access(console, access)
    threading.Event().wait()
    return 0


def _print_access(console: Console, access: _Access) -> None:
    password = access.password or "(changed)"
    token = access.token or "(from your issuer)"
    for name, value in (
        ("Guide", f"{access.address}/docs/"),
        ("API explorer", f"{access.address}/v2/docs"),
        ("API reference", f"{access.address}/v2/redoc"),
        ("OpenAPI document", f"{access.address}/v2/openapi.json"),
        ("Admin", f"{access.address}/admin/"),
        ("  user", USERNAME),
        ("  password", password),
        ("Data directory", str(settings.DATA_DIR)),
        (f"Token, {TOKEN_HOURS} hours", token),
    ):
        # On one line, so that it can be copied.
        console.print(Text.assemble((f"{name:<18}", "bold"), value), soft_wrap=True)
    console.print("Ctrl-C stops the service; the next start continues from there.", style="dim")


def _admin_password(data: DataDir) -> str | None:
    """Return the password of the superuser, after creating both if they do not exist.

    The password is kept in the data directory. Returns None if it has been changed since.
    """
    password = data.secret("admin_password", size_bytes=PASSWORD_BYTES)
    users = get_user_model().objects
    user = users.filter(username=USERNAME).first()
    if user is None:
        users.create_superuser(USERNAME, password=password)
        return password
    return password if user.check_password(password) else None
