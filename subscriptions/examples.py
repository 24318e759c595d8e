"""What the documentation shows of subscriptions."""

from __future__ import annotations

from typing import Any

from models_registry.examples import SUBSCRIPTION_ID, TIME, UPDATE_MODEL

SUBSCRIBE: dict[str, Any] = {
    "trigger_event": "training_complete",
    "target_model_id": "model_infer_v1",
    "target_action": "inference",
    "input_source": "stored",
    "input": {"route": "Adelaide to Sydney"},
    "label": "replay after retrain",
}
SUBSCRIPTION: dict[str, Any] = {
    "id": SUBSCRIPTION_ID,
    "source_model_id": "model_price_reco_v1",
    **SUBSCRIBE,
    "status": "active",
    "created_at": TIME,
    "updated_at": TIME,
}
STALE: dict[str, Any] = {
    **SUBSCRIPTION,
    "status": "stale",
    "warnings": ["input/route: expected a number"],
    "stale_because": [
        {
            "side": "target",
            "action": "inference",
            "direction": "input",
            "version": "2",
            "since": TIME,
        }
    ],
}
REVALIDATION: dict[str, Any] = {
    "id": "019b76da-a800-7000-8000-000000000003",
    "action": "inference",
    "version": "2",
    "status": "running",
    "total": 200000,
    "checked": 90000,
    "invalid": 12,
    "created_at": TIME,
    "started_at": TIME,
    "finished_at": None,
}
ACCEPTANCE: dict[str, Any] = {
    "accepted": 199988,
    "left_stale": {"invalid": 12, "trigger_output": 1, "closing_loop": 0},
}
PLANNED: dict[str, Any] = {
    "handlers": UPDATE_MODEL["handlers"],
    "handler_contracts": UPDATE_MODEL["handler_contracts"],
}
CONTRACT_CHECK: dict[str, Any] = {
    "interfaces": [
        {
            "action": "inference",
            "direction": "input",
            "changes": True,
            "comparison": {
                "changed": True,
                "verdict": "incompatible",
                "lenient_verdict": "incompatible",
                "witness": {"value": {"features": [101]}},
                "lenient_witness": {"value": {"features": [101]}},
                "changes": [
                    {
                        "pointer": "/properties/features/items/maximum",
                        "keyword": "maximum",
                        "kind": "bound_tightened",
                        "message": "The largest number is 100 now.",
                        "verdict": "incompatible",
                    }
                ],
                "never_accepts": False,
            },
        }
    ],
    "stale": {"target": 2, "source": 0},
    "payloads": [
        {
            "action": "inference",
            "checked": 2,
            "invalid": 1,
            "complete": True,
            "examples": [
                {
                    "subscription_id": SUBSCRIPTION_ID,
                    "faults": [{"path": "/features/1", "message": "maximum: expected at most 100"}],
                }
            ],
        }
    ],
    "warnings": [],
}
