"""What a web process loads before its first answer: a guard of its start and of its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

LOADED = """
import json, sys
import config.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The packages of a web process that is ready to answer."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    run = [sys.executable, "-c", LOADED]
    done = subprocess.run(run, env=environment, check=True, capture_output=True, timeout=120)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "package", ["boto3", "botocore", "jsonschema", "markdown_it", "rich", "waitress"]
)
def test_a_web_process_does_not_load_what_its_first_answer_does_not_need(loaded, package):
    """Workers call Lambda; a new contract needs jsonschema, and a page of the guide Markdown."""
    assert "rest_framework" in loaded
    assert package not in loaded
