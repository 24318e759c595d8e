"""What the documentation shows of subscriptions."""

from __future__ import annotations

from typing import Any

from models_registry.api.openapi.examples import SUBSCRIPTION_ID, TIME, UPDATE_MODEL

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
            "changes": [
                {
                    "pointer": "/properties/route/type",
                    "keyword": "type",
                    "kind": "type_changed",
                    "message": 'The type was "string" and is now "number".',
                    "verdict": "incompatible",
                    "lenient_verdict": "incompatible",
                    "witness": {"value": {"route": "a"}},
                    "lenient_witness": {"value": {"route": "a"}},
                }
            ],
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
    "error": None,
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
CHANGES: list[dict[str, Any]] = [
    {
        "pointer": "/properties/features/items/maximum",
        "keyword": "maximum",
        "kind": "bound_added",
        "message": "The largest number is now 100.",
        "verdict": "incompatible",
        "lenient_verdict": "incompatible",
        "witness": {"value": {"features": [101]}},
        "lenient_witness": {"value": {"features": [101]}},
    }
]
FORETOLD: dict[str, Any] = {
    "interfaces": [
        {
            "action": "inference",
            "direction": "input",
            "changes": True,
            "before": "schema",
            "after": "schema",
            "comparison": {
                "changed": True,
                "verdict": "incompatible",
                "lenient_verdict": "incompatible",
                "witness": {"value": {"features": [101]}},
                "lenient_witness": {"value": {"features": [101]}},
                "changes": CHANGES,
                "never_accepts": False,
            },
        }
    ],
    "stale": {"target": 2, "source": 0, "total": 2, "active": 2, "ended": 0},
    "payloads": [
        {
            "action": "inference",
            "total": 2,
            "checked": 2,
            "invalid": 1,
            "already_invalid": 0,
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
CONTRACT_CHECK: dict[str, Any] = {
    "against": {"version": "2", "etag": '"7-2-1"'},
    **FORETOLD,
}
VERSION_CHANGES: dict[str, Any] = {
    "version": "2",
    "status": "done",
    "created_at": TIME,
    "finished_at": TIME,
    "report": FORETOLD,
}
GRAPH: dict[str, Any] = {
    "nodes": [
        {
            "id": "model_infer_v1",
            "name": "Route prices",
            "status": "active",
            "current_version": "2",
        },
        {
            "id": "model_price_reco_v1",
            "name": "Price recommendation",
            "status": "pending",
            "current_version": None,
        },
    ],
    "edges": [
        {
            "source_model_id": "model_price_reco_v1",
            "target_model_id": "model_infer_v1",
            "trigger_event": "training_complete",
            "target_action": "inference",
            "input_source": "stored",
            "status": "stale",
            "count": 1,
            "subscription_ids": [SUBSCRIPTION_ID],
        }
    ],
    "truncated": False,
}
