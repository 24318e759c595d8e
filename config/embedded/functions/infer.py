"""The inference handler of the example without a contract: any object is its input.

Every number directly in it, such as `day_of_week`, is taken for a feature; names and texts are
not.
"""

from __future__ import annotations

from typing import Any

from infer_model import handler as infer


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    numbers = {
        name: value
        for name, value in event["input"].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    answer = infer({**event, "input": {"features": list(numbers.values())}}, context)
    return {**answer, "features": list(numbers)}
