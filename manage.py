#!/usr/bin/env python
"""The command line: `manage.py serve --demo` shows the service, `manage.py help` lists the rest."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # At a prompt the embedded default is what people expect; a server process (config/wsgi.py,
    # config/celery.py) never falls back to it.
    os.environ.setdefault(
        "MODELPACT_MODE", "production" if os.environ.get("DATABASE_URL") else "embedded"
    )
    _apply_data_option(sys.argv)

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _apply_data_option(argv: list[str]) -> None:
    """Hand `--data DIR` to the settings, which need it before a command parses its options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data")
    known, _ = parser.parse_known_args(argv[2:])
    if known.data:
        os.environ["MODELPACT_DATA"] = known.data


if __name__ == "__main__":
    main()
