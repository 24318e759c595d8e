"""`manage.py token`: prints an API token for the embedded mode."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded.tokens import TokensComeFromIssuer, mint_token
from models_registry.api.principals import SCOPES

HOURS_LIMIT = 24 * 366


class Command(BaseCommand):
    help = "Print a bearer token for the embedded mode, and nothing else."
    requires_system_checks = [Tags.security]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data", metavar="DIR", help="data directory with the secret that signs the token"
        )
        parser.add_argument(
            "--scope",
            type=_scopes,
            default=["admin"],
            help=f"scopes of the token, separated by spaces: {', '.join(SCOPES)} (default: admin)",
        )
        parser.add_argument(
            "--hours", type=_hours, default=8.0, help="lifetime in hours (default: 8)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # manage.py has already applied --data, because the settings need it.
        try:
            token = mint_token(scopes=options["scope"], hours=options["hours"])
        except TokensComeFromIssuer:
            raise CommandError(
                "This service verifies tokens with the keys of an issuer (AUTH_JWKS_URL or"
                " AUTH_JWKS_FILE is set): get a token from it. This command only signs"
                " tokens with AUTH_SHARED_SECRET."
            ) from None
        self.stdout.write(token)


def _scopes(text: str) -> list[str]:
    scopes = text.split()
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise argparse.ArgumentTypeError(
            f"unknown scope {', '.join(map(repr, unknown)) or repr(text)};"
            f" the scopes are {', '.join(SCOPES)}"
        )
    return scopes


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    # Not `hours <= 0`: NaN must fail too.
    if not 1 / 3600 <= hours <= HOURS_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a number above 0, at most {HOURS_LIMIT}")
    return hours
