"""H19: what the bearer of a job's callback token may do: end that job, and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from models_registry.handlers.callbacks import make_callback_token
from tests.config.probe import call
from tests.tokens import token

JOB = UUID("01938e6a-3b1c-7def-8a55-000000000001")
OTHER = UUID("01938e6a-3b1c-7def-8a55-000000000002")


@pytest.mark.parametrize("job_id", [JOB, str(JOB), str(JOB).upper()])
def test_a_callback_token_may_complete_its_job(job_id: object) -> None:
    assert call("complete", make_callback_token(JOB), job_id=job_id).status_code == 200


@pytest.mark.parametrize("kwargs", [{"job_id": str(OTHER)}, {"job_id": ""}, {"job_id": "None"}, {}])
def test_a_callback_token_may_complete_no_other_job(kwargs: dict[str, Any]) -> None:
    """H19: 'wrong secret 403'."""
    assert call("complete", make_callback_token(JOB), **kwargs).status_code == 403


@pytest.mark.parametrize("action", ["read", "write", "undeclared", "misspelt"])
def test_a_callback_token_may_do_nothing_else(action: str) -> None:
    assert call(action, make_callback_token(JOB), job_id=str(JOB)).status_code == 403


def test_a_callback_token_that_was_not_signed_here_is_refused() -> None:
    forged = make_callback_token(JOB)[:-1] + "~"
    assert call("complete", forged, job_id=str(JOB)).status_code == 401


def test_the_scope_completes_any_job() -> None:
    for job_id in (JOB, OTHER):
        assert call("complete", token("complete_jobs"), job_id=str(job_id)).status_code == 200
