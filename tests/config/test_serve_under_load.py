"""F15: the embedded default under mixed load: SQLite is never "locked" for a caller."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests import examples
from tests.serving import Api, Serving

CALLERS, REQUESTS = 6, 25
MODEL = examples.MODEL_ID


def _work(api: Api, seed: int) -> list[tuple[str, int]]:
    """Send a mix of requests; returns (what, status) of each."""
    chance = random.Random(seed)
    asked = []
    for _ in range(REQUESTS):
        what = chance.choice(["update", "infer", "read", "list"])
        asked.append((what, _status(api, what)))
    return asked


def _status(api: Api, what: str) -> int:
    path = f"/models/{MODEL}"
    if what == "update":
        return api.answer("PUT", path, examples.update_model())[0]
    if what == "infer":
        return api.answer("POST", f"{path}/versions/1/inference", examples.infer())[0]
    return api.answer("GET", path if what == "read" else "/jobs?limit=5")[0]


def test_mixed_load_gets_no_server_error_and_loses_nothing(tmp_path: Path) -> None:
    with Serving(tmp_path / "data", "--port", "0") as served:
        api = served.api()
        body: dict[str, Any] = examples.create_model()
        api.post("/models", body, expected=201)
        active = {"status": "active"}
        api.post(f"/models/{MODEL}/versions/1/new_status", active, expected=200)
        with ThreadPoolExecutor(CALLERS) as pool:
            parts = list(pool.map(lambda seed: _work(api, seed), range(CALLERS)))
        versions = api.get(f"/models/{MODEL}/versions?limit=1000")

    counted = Counter(one for part in parts for one in part)
    assert {status for _, status in counted} <= {200, 202}
    # Each accepted update has its version, without a gap.
    updates = counted["update", 200]
    assert [int(version["version"]) for version in versions] == list(range(updates + 1, 0, -1))
