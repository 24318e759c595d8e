"""The command line: what `manage.py` runs in a checkout and `modelpact` where it is installed."""

from __future__ import annotations

import argparse
import getpass
import os
import sys


def main() -> None:
    """Run the command that the process's arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # At a prompt the embedded default is what people expect; a server process (config/wsgi.py,
    # config/celery.py) never falls back to it.
    os.environ.setdefault(
        "MODELPACT_MODE", "production" if os.environ.get("DATABASE_URL") else "embedded"
    )
    _apply_data_option(sys.argv)

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from models_registry.observability.actor import Actor, ActorKind, acting

    try:
        with acting(Actor(ActorKind.COMMAND, _user())):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Not configured: {error}")


def _user() -> str:
    """Return who is at the prompt by the system's own account; the environment may say anything."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # no such module on this platform, or no such user
        return getpass.getuser()


def _apply_data_option(argv: list[str]) -> None:
    """Hand `--data DIR` to the settings, which need it before a command parses its options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data")
    known, _ = parser.parse_known_args(argv[2:])
    if known.data:
        os.environ["MODELPACT_DATA"] = known.data
