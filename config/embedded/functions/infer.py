"""The inference handler of the example without a contract: any object is its input.

Every number directly in it, such as `day_of_week`, is taken for a feature; names and texts are
not.
"""

from __future__ import annotations

from typing import Any

from _storage import bounded
from infer_model import predictions


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    numbers = {
        name: value
        for name, value in event["input"].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    predicted = predictions(event, list(numbers.values()))
    return bounded(event, {"predictions": predicted, "features": list(numbers)})
