"""An inference handler: one prediction for each number of `{"features"?: number[]}`.

What it returns is the job's output, since inference is called as RequestResponse by default.
"""

from __future__ import annotations

import math
from typing import Any

from _norris import predict
from _storage import load


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    line = load(event)
    features = event["input"].get("features", [])
    return {"predictions": [_bounded(predict(line, x)) for x in features]}


def _bounded(value: float) -> float | None:
    """JSON has no infinity: a prediction beyond the range of numbers is null."""
    return value if math.isfinite(value) else None
