"""The job's own callback token (API page, 'Completion'; H19)."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from django.core import signing
from django.test import override_settings
from pytest_django import Settings

from models_registry.handlers.callbacks import (
    PREFIX,
    BadCallbackToken,
    make_callback_token,
    read_callback_token,
)

JOB = UUID("01938e6a-3b1c-7def-8a55-000000000001")


def test_a_token_names_the_job_it_was_made_for() -> None:
    assert read_callback_token(make_callback_token(JOB)) == JOB


def test_a_token_may_stand_in_an_authorization_header() -> None:
    """RFC 6750, 2.1: b64token."""
    assert re.fullmatch(r"mpjob_[A-Za-z0-9._~+/-]+=*", make_callback_token(JOB))


@pytest.mark.parametrize("position", range(6, len(make_callback_token(JOB)), 3))
def test_a_token_changed_anywhere_is_refused(position: int) -> None:
    good = make_callback_token(JOB)
    other = "0" if good[position] != "0" else "1"
    with pytest.raises(BadCallbackToken):
        read_callback_token(good[:position] + other + good[position + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        "",
        PREFIX,
        PREFIX + JOB.hex,
        PREFIX + ".",
        PREFIX + "..",
        PREFIX + "\0.\0.\0",
        PREFIX + "é.1.x",
        make_callback_token(JOB).removeprefix(PREFIX),
        make_callback_token(JOB).upper(),
        make_callback_token(JOB) + "=",
    ],
)
def test_what_was_not_signed_here_is_refused(token: str) -> None:
    with pytest.raises(BadCallbackToken):
        read_callback_token(token)


def test_what_was_signed_here_for_another_purpose_is_refused() -> None:
    for signer in (signing.TimestampSigner(sep="."), signing.TimestampSigner(salt="x", sep=".")):
        with pytest.raises(BadCallbackToken):
            read_callback_token(PREFIX + signer.sign(JOB.hex))


def test_what_was_signed_but_names_no_job_is_refused() -> None:
    signer = signing.TimestampSigner(salt="models_registry.handlers.callbacks", sep=".")
    assert read_callback_token(PREFIX + signer.sign(JOB.hex)) == JOB
    with pytest.raises(BadCallbackToken):
        read_callback_token(PREFIX + signer.sign("not-a-job"))


def test_tokens_outlive_a_change_of_the_secret_key_while_the_old_one_is_kept(
    settings: Settings,
) -> None:
    old = make_callback_token(JOB)
    with override_settings(SECRET_KEY="n" * 64, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert read_callback_token(old) == JOB
    with (
        override_settings(SECRET_KEY="n" * 64, SECRET_KEY_FALLBACKS=[]),
        pytest.raises(BadCallbackToken),
    ):
        read_callback_token(old)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """H28."""
    compared: list[str] = []

    def spy(left: str, right: str) -> bool:
        compared.append(left)
        return False

    token = make_callback_token(uuid4())
    monkeypatch.setattr("django.core.signing.constant_time_compare", spy)
    with pytest.raises(BadCallbackToken):
        read_callback_token(token)
    assert compared
