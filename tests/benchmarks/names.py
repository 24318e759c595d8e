"""What the parts call things."""

from __future__ import annotations

SERVICE, FLOOR, MLFLOW = "service", "floor", "mlflow"
MODELS = 100_000


def model_id(number: int) -> str:
    return f"m{number:06}"
