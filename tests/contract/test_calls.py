"""How much of Python a short request takes: function calls, which no machine's speed changes.

Beside the statements (`test_statements.py`), so that it does not slowly become more.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from config.access_log import NAME
from config.api.entrance import Handler
from tests.contract.operations import MODEL
from tests.tokens import token

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

# Calls of functions written in Python, with Django's, DRF's and psycopg's; a tenth more may pass.
READS = {
    "a model": (f"/v2/models/{MODEL}", "", 215),
    "a model that the reader has": (f"/v2/models/{MODEL}", "", 215),
    "a page of models": ("/v2/models", "limit=1", 215),
}


@pytest.fixture
def ask(active_model, caplog) -> Callable[..., list[tuple[str, str]]]:
    # Whatever tests before have had written: a line of the log is no part of this.
    caplog.set_level(logging.CRITICAL, logger=NAME)
    handler = Handler()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    authorization = f"Bearer {token()}"

    def ask(path: str, query: str, **headers: str) -> list[tuple[str, str]]:
        environ: dict[str, Any] = {
            **{
                "REQUEST_METHOD": "GET",
                "SCRIPT_NAME": "",
                "PATH_INFO": path,
                "QUERY_STRING": query,
            },
            **{"SERVER_NAME": "testserver", "SERVER_PORT": "80", "HTTP_HOST": "testserver"},
            **{"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO()},
            **{"HTTP_AUTHORIZATION": authorization, **headers},
        }
        begun: list[Any] = []
        handler(environ, lambda *head: begun.extend(head))
        assert begun[0][:3] in ("200", "304")
        return begun[1]

    yield ask
    request_finished.connect(close_old_connections)


@pytest.mark.parametrize("case", READS)
def test_a_short_read_takes_no_more_calls_than_it_did(ask, case):
    path, query, most = READS[case]
    headers = {}
    if case == "a model that the reader has":
        headers["HTTP_IF_NONE_MATCH"] = dict(ask(path, query))["ETag"]
    for _ in range(3):
        ask(path, query, **headers)
    made = []
    sys.setprofile(lambda frame, event, _: made.append(frame.f_code) if event == "call" else None)
    try:
        ask(path, query, **headers)
    finally:
        sys.setprofile(None)

    assert most / 2 < len(made) <= most * 1.1
