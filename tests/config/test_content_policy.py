"""The Content-Security-Policy: on every answer, and strict."""

from __future__ import annotations

import pytest
from django.test import Client

SCRIPTS = "script-src 'self';"


@pytest.mark.parametrize(
    "path",
    ["/admin/login/", "/admin/", "/docs/", "/docs/api/", "/v2/docs", "/v2/redoc", "/nowhere"],
)
def test_pages_run_no_script_but_our_files(db, path):
    policy = Client().get(path).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert SCRIPTS in policy
    assert "unsafe-eval" not in policy
    if path.startswith(("/admin", "/docs")):
        assert "unsafe-inline" not in policy


@pytest.mark.parametrize("path", ["/v2/health", "/v2/models", "/v2/nowhere", "/v2/openapi.json"])
def test_an_answer_of_the_api_may_load_nothing(db, path):
    policy = Client().get(path).headers["Content-Security-Policy"]

    assert policy == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
