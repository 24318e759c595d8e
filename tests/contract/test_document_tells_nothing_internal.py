"""H26: the document is public, and holds nothing that isn't."""

from __future__ import annotations

import json
import re
from pathlib import Path

from config.settings import SPECTACULAR_SETTINGS

# The account of AWS's own documentation.
ACCOUNT = "123456789012"


DOCUMENT = Path(__file__).with_name("openapi.json").read_text("utf-8")


def test_every_path_is_one_of_the_api():
    assert all(path.startswith("/v2/") for path in json.loads(DOCUMENT)["paths"])


def test_every_account_in_an_example_is_the_one_of_documentation():
    accounts = re.findall(r"arn:aws[a-z-]*:lambda:[a-z0-9-]*:(\d{12})", DOCUMENT)

    assert set(accounts) == {ACCOUNT}


def test_its_pages_load_nothing_from_elsewhere():
    assert SPECTACULAR_SETTINGS["SWAGGER_UI_DIST"] == "SIDECAR"
    assert SPECTACULAR_SETTINGS["REDOC_DIST"] == "SIDECAR"
