"""The published contract's own examples; each function returns a fresh copy to change."""

from __future__ import annotations

import copy
from typing import Any

MODEL_ID = "model_price_reco_v1"

CREATE_MODEL: dict[str, Any] = {
    "id": MODEL_ID,
    "name": "Price recommendation",
    "description": "Domain-level price model",
    "metadata": {"team": "pricing"},
    "handlers": {
        "training": {
            "type": "lambda",
            "arn": "arn:aws:lambda:us-west-2:123456789012:function:train",
            "version": "1",
        },
        "inference": {
            "type": "lambda",
            "arn": "arn:aws:lambda:us-west-2:123456789012:function:infer",
        },
    },
}

UPDATE_MODEL: dict[str, Any] = {
    "name": "example",
    "description": "example",
    "handlers": {
        "training": {
            "type": "lambda",
            "arn": "arn:aws:lambda:us-west-2:123456789012:function:train-model",
            "version": "1",
        },
        "inference": {
            "type": "lambda",
            "arn": "arn:aws:lambda:us-west-2:123456789012:function:infer-model",
        },
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

# What the second version of CREATE_MODEL looks like while its training has not begun.
UPDATE_MODEL_RESPONSE: dict[str, Any] = {
    "version": {
        "version": "2",
        "description": "Domain-level price model",
        "metadata": {"team": "pricing"},
        "status": "pending",
    },
    "model": {**CREATE_MODEL, "handler_contracts": None, "status": "active"},
}

INFER: dict[str, Any] = {
    "input": {"route": "Adelaide to Sydney", "day_of_week": 3},
    "subscribe": False,
}

SUBSCRIBE: dict[str, Any] = {
    "trigger_event": "training_complete",
    "target_model_id": "model_infer_v1",
    "target_action": "inference",
    "input_source": "stored",
    "input": {"route": "Adelaide to Sydney"},
    "label": "replay after retrain",
}


def create_model(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(CREATE_MODEL) | changed


def update_model(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(UPDATE_MODEL) | changed


def infer(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(INFER) | changed


def subscribe(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(SUBSCRIBE) | changed
