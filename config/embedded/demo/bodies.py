"""The contract's own examples, as the demo sends them, and what it asks to be predicted."""

from __future__ import annotations

from typing import Any

ARN = "arn:aws:lambda:us-west-2:123456789012:function"

CREATE_MODEL: dict[str, Any] = {
    "id": "model_price_reco_v1",
    "name": "Price recommendation",
    "description": "Domain-level price model",
    "metadata": {"team": "pricing"},
    "handlers": {
        "training": {"type": "lambda", "arn": f"{ARN}:train", "version": "1"},
        "inference": {"type": "lambda", "arn": f"{ARN}:infer"},
    },
}

UPDATE_MODEL: dict[str, Any] = {
    "name": "example",
    "description": "example",
    "handlers": {
        "training": {"type": "lambda", "arn": f"{ARN}:train-model", "version": "1"},
        "inference": {"type": "lambda", "arn": f"{ARN}:infer-model"},
    },
    "handler_contracts": {
        "training": {
            "input_schema": {"type": "object", "properties": {"data_path": {"type": "string"}}},
            "output_schema": {"type": "object", "properties": {"model_path": {"type": "string"}}},
        },
        "inference": {
            "input_schema": {
                "type": "object",
                "properties": {"features": {"type": "array", "items": {"type": "number"}}},
            },
            "output_schema": {"type": "object", "properties": {"predictions": {"type": "array"}}},
        },
    },
    "metadata": {},
}

FEATURES = [0.5, 118.2, 884.6]
