"""Which tests are slow: those with real processes, browsers and searches at random.

`pytest -m "not slow"` leaves them out, which is the inner loop of somebody who changes code.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDERS = ("faults/",)
FILES = frozenset(
    {
        "config/staff/test_graph.py",
        "config/staff/test_in_browser.py",
        "config/staff/test_lists.py",
        "config/test_follow.py",
        "config/test_lambda_endpoint.py",
        "config/test_logs.py",
        "config/test_pages_in_browser.py",
        "config/test_sample_functions.py",
        "config/test_serve.py",
        "config/test_serve_under_load.py",
        "config/test_servers.py",
        "config/test_settings.py",
        "config/test_tour.py",
        "config/test_web_process.py",
        "config/test_workers.py",
        "contract/test_documented_examples.py",
        "contract/test_generated_client.py",
        "contract/test_hostile_bodies.py",
        "contract/test_hostile_schemas.py",
        "contract/test_lists.py",
        "contract/test_schemathesis.py",
        "models_registry/contracts/test_check_payload.py",
        "models_registry/contracts/test_compare.py",
        "models_registry/contracts/test_compare_keywords.py",
        "models_registry/contracts/test_compare_random.py",
        "models_registry/contracts/test_fingerprints.py",
        "models_registry/contracts/test_stalling.py",
        "subscriptions/test_impact_preview.py",
    }
)


def is_slow(item: pytest.Item) -> bool:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return path in FILES or path.startswith(FOLDERS)
