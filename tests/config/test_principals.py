"""How callers are told apart, for Idempotency-Key and limits per caller."""

from __future__ import annotations

from uuid import uuid4

from models_registry.api.principals import Principal, for_job


def test_a_caller_is_the_same_from_token_to_token() -> None:
    first = Principal(subject="ada", client_id="app", scopes=frozenset({"read_models"}))
    second = Principal(subject="ada", client_id="app", is_admin=True)
    assert first.caller == second.caller
    assert len(first.caller) == 64


def test_no_two_callers_are_taken_for_one() -> None:
    job_id = uuid4()
    principals = [
        Principal(subject="ada", client_id="app"),
        Principal(subject="ada", client_id="app2"),
        Principal(subject="bob", client_id="app"),
        Principal(subject="b c", client_id="a"),
        Principal(subject="c", client_id="a b"),
        for_job(job_id),
        Principal(subject=f"job:{job_id}", client_id="app"),
        for_job(uuid4()),
    ]
    assert len({principal.caller for principal in principals}) == len(principals)


def test_the_bearer_of_a_callback_token_holds_no_scope() -> None:
    principal = for_job(uuid4())
    assert not principal.may("complete_jobs")
    assert not principal.may("read_models")
