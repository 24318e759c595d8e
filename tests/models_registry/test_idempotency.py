"""Idempotency-Key: what two requests with one key see when they meet."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from models_registry.models import IdempotencyRecord
from models_registry.services.idempotency import Answer, KeyInFlight, KeyReused, answer_once

ANSWER = Answer(201, b'{"made": 1}', {"Location": "/v2/models/a"})


def _ask(produce=lambda: ANSWER, *, digest: str = "d", key: str = "k", caller: str = "c") -> Answer:
    return answer_once(caller=caller, key=key, digest=digest, produce=produce)


@pytest.mark.django_db
def test_the_second_request_gets_the_first_answer_and_has_no_effect():
    assert not _ask().replayed

    again = _ask(lambda: pytest.fail("ran twice"))
    assert (again.status, again.body, again.headers) == (201, ANSWER.body, ANSWER.headers)
    assert again.replayed


@pytest.mark.django_db
def test_another_callers_key_is_another_key():
    _ask()

    assert not _ask(caller="somebody else").replayed


@pytest.mark.django_db
def test_the_key_of_another_request_is_refused():
    _ask()

    with pytest.raises(KeyReused):
        _ask(digest="another body")


@pytest.mark.django_db
def test_after_a_day_the_key_is_free_again():
    _ask()
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert not _ask(digest="another body").replayed


@pytest.mark.django_db(transaction=True)
def test_what_fails_leaves_no_record():
    def fail() -> Answer:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        _ask(fail)

    assert not _ask().replayed


@pytest.mark.django_db(transaction=True)
def test_a_second_request_while_the_first_runs_is_refused_or_waits_for_its_answer():
    """On PostgreSQL it is refused (409); SQLite has one writer, so it waits and is answered."""
    running, second_done = threading.Event(), threading.Event()
    first: list[Answer] = []

    def produce() -> Answer:
        running.set()
        if connection.vendor == "postgresql":
            assert second_done.wait(timeout=30)
        return ANSWER

    def run_first() -> None:
        try:
            first.append(_ask(produce))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run_first)
    thread.start()
    assert running.wait(timeout=30)
    try:
        if connection.vendor == "postgresql":
            with pytest.raises(KeyInFlight):
                _ask()
        else:
            assert _ask().replayed
    finally:
        second_done.set()
        thread.join(timeout=30)
    assert [answer.replayed for answer in first] == [False]
