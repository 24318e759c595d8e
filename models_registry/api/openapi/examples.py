"""What the documentation shows: real values, which work against the embedded default."""

from __future__ import annotations

from typing import Any

ARN = "arn:aws:lambda:us-west-2:123456789012:function"
JOB_ID = "019b76da-a800-7000-8000-000000000001"
SUBSCRIPTION_ID = "019b76da-a800-7000-8000-000000000002"
TIME = "2026-01-01T12:00:00.000000Z"

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
CREATE_TARGET: dict[str, Any] = {
    **CREATE_MODEL,
    "id": "model_infer_v1",
    "name": "Model that others run",
    "description": "The target of the subscription that is shown",
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
CREATE_VERSION: dict[str, Any] = {
    "version": "2026-03-rc1",
    "description": "With the figures of March",
    "metadata": {"commit": "4b825dc"},
}
INFER: dict[str, Any] = {
    "input": {"route": "Adelaide to Sydney", "day_of_week": 3},
    "subscribe": False,
}
INFER_FEATURES: dict[str, Any] = {"input": {"features": [0.5, 118.2]}}
COMPLETE: dict[str, Any] = {"status": "success", "output": {"model_path": "s3://models/7"}}
COMPLETE_FAILURE: dict[str, Any] = {
    "status": "failure",
    "error": {"code": "no_data", "message": "The bucket is empty."},
}

MODEL: dict[str, Any] = {**CREATE_MODEL, "handler_contracts": None, "status": "active"}
VERSION: dict[str, Any] = {
    "version": "2",
    "description": "Domain-level price model",
    "metadata": {"team": "pricing"},
    "status": "pending",
}
MODEL_AND_VERSION: dict[str, Any] = {"version": VERSION, "model": MODEL}
NEW_MODEL: dict[str, Any] = {
    "version": {**VERSION, "version": "1"},
    "model": {**MODEL, "status": "pending"},
}
FROZEN_VERSION: dict[str, Any] = {
    **VERSION,
    "status": "active",
    "handlers": CREATE_MODEL["handlers"],
    "handler_contracts": None,
    "created_at": TIME,
    "activated_at": TIME,
}
STATUS_CHANGE: dict[str, Any] = {
    "version": {**VERSION, "status": "active"},
    "model": MODEL,
    "triggered_events": [{"subscription_id": SUBSCRIPTION_ID, "job_id": JOB_ID}],
}
JOB: dict[str, Any] = {
    "id": JOB_ID,
    "model_id": "model_price_reco_v1",
    "model_version": "2",
    "job_type": "inference",
    "status": "success",
    "input": {"features": [0.5, 118.2]},
    "output": {"predictions": [0.239, 118.188]},
    "error": None,
    "warnings": [],
    "attempts": 1,
    "triggered_by": None,
    "retry_of": None,
    "created_at": TIME,
    "started_at": TIME,
    "completed_at": TIME,
}
CANCELLED_JOB: dict[str, Any] = {
    **JOB,
    "status": "failure",
    "output": None,
    "error": {
        "code": "cancelled",
        "message": "The job was cancelled before a worker had begun with it.",
    },
    "attempts": 0,
    "started_at": None,
}
COMPLETION: dict[str, Any] = {
    "job_id": JOB_ID,
    "model_id": "model_price_reco_v1",
    "model_version": "2",
    "status": "success",
    "triggered_events": [
        {"subscription_id": SUBSCRIPTION_ID, "error": "The target has no active version."}
    ],
}
AUDIT_ENTRY: dict[str, Any] = {
    "id": 7,
    "at": TIME,
    "action": "version.status_set",
    "actor": {"kind": "client", "name": "pricing-pipeline", "client_id": "pricing-pipeline"},
    "model_id": "model_price_reco_v1",
    "model_version": "2",
    "job_id": None,
    "subscription_id": None,
    "before": {"status": "training", "current_version": "1"},
    "after": {"status": "active", "current_version": "2", "triggered_events": 1},
    "request_id": "019b76da-a800-7000-8000-00000000000a",
}
READINESS: dict[str, Any] = {
    "status": "degraded",
    "checks": {
        "database": {"state": "ok", "age_seconds": 0.4, "message": ""},
        "migrations": {"state": "ok", "age_seconds": 0.4, "message": ""},
        "workers": {"state": "failing", "age_seconds": 74.2, "message": "No worker for sync."},
        "sweep": {"state": "ok", "age_seconds": 6.1, "message": ""},
        "broker": {"state": "ok", "age_seconds": 0.4, "message": ""},
    },
}
