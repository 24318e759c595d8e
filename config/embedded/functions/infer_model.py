"""An inference handler: one prediction for each number of `{"features"?: number[]}`.

What it returns is the job's output, since inference is called as RequestResponse by default. More
predictions than Lambda returns are kept in a file, and `kept_in` says where.
"""

from __future__ import annotations

import math
from typing import Any

from _norris import predict
from _storage import bounded, load


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return bounded(event, {"predictions": predictions(event, event["input"].get("features", []))})


def predictions(event: dict[str, Any], features: list[float]) -> list[float | None]:
    """Predict with what the event's version trained."""
    line = load(event)
    return [_number(predict(line, x)) for x in features]


def _number(value: float) -> float | None:
    """JSON has no infinity: a prediction beyond the range of numbers is null."""
    return value if math.isfinite(value) else None
