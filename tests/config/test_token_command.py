"""`manage.py token [--data DIR] --scope … --hours …`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import jwt
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from config.api.authentication import principal_for

ROOT = Path(__file__).resolve().parents[2]


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("token", *arguments, stdout=out)
    text = out.getvalue()
    assert text.count("\n") == 1
    return text.strip()


def test_it_prints_a_token_that_may_do_all_for_eight_hours() -> None:
    token = printed()
    assert principal_for(token).is_admin
    claims = jwt.decode(
        token, django_settings.AUTH_SHARED_SECRET, ["HS256"], issuer="modelpact-embedded"
    )
    assert claims["exp"] == pytest.approx(time.time() + 8 * 3600, abs=10)


def test_it_prints_a_token_with_the_scopes_and_hours_asked_for() -> None:
    token = printed("--scope", "read_models manage_models", "--hours", "0.5")
    principal = principal_for(token)
    assert principal.scopes == {"read_models", "manage_models"}
    assert not principal.is_admin
    assert not principal.is_human
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 1800


def test_two_tokens_differ() -> None:
    assert printed() != printed()


def test_an_audience_is_written_where_one_is_asked_for(settings: Settings) -> None:
    settings.AUTH_AUDIENCE = "https://models.example"
    assert principal_for(printed()).is_admin


@pytest.mark.parametrize("scope", ["read_model", "read_models,manage_models", "admin x", "", " "])
def test_an_unknown_scope_is_refused_and_the_known_ones_named(scope: str) -> None:
    with pytest.raises(CommandError, match="read_models, manage_models, run_training"):
        printed("--scope", scope)


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "1e9", "x", ""])
def test_absurd_hours_are_refused(hours: str) -> None:
    with pytest.raises(CommandError, match="--hours"):
        printed(f"--hours={hours}")


@pytest.mark.parametrize("name", ["AUTH_JWKS_URL", "AUTH_JWKS_FILE"])
def test_with_an_issuers_keys_it_says_where_tokens_come_from(name: str, settings: Settings) -> None:
    settings.AUTH_SHARED_SECRET = ""
    setattr(settings, name, "https://issuer.example/jwks.json")
    with pytest.raises(CommandError, match="get a token from it"):
        printed()


def test_the_data_option_chooses_whose_secret_signs(tmp_path: Path) -> None:
    """Run as a user does; nothing but the token on standard output."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MODELPACT_", "AUTH_", "DJANGO_", "DATABASE_URL"))
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "token", "--data", str(tmp_path / "data"), "--hours", "1"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    secret = (tmp_path / "data" / "token_secret").read_text()
    claims = jwt.decode(done.stdout.strip(), secret, ["HS256"])
    assert done.stdout.count("\n") == 1
    assert claims["scope"] == "streamline/admin"
    assert secret != django_settings.AUTH_SHARED_SECRET
