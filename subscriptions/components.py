"""The schemas of what the subscriptions' operations answer, by name, for the OpenAPI document."""

from __future__ import annotations

from models_registry.api.components import (
    ID,
    OBJECT,
    TEXT,
    TIME,
    UUID,
    Schema,
    listed,
    nullable,
    one_of,
    ref,
    shape,
)
from models_registry.models import Action, Direction
from subscriptions.models import (
    InputSource,
    RevalidationStatus,
    SubscriptionStatus,
    TriggerEvent,
)

COUNT: Schema = {"type": "integer", "minimum": 0}

COMPONENTS: dict[str, Schema] = {
    "StaleReason": shape(
        {
            "side": one_of(["target", "source"]),
            "action": one_of(Action.values),
            "direction": one_of(Direction.values),
            "version": ID,
            "since": TIME,
        },
        text="One interface that is not as it was accepted, and the version that changed it.",
    ),
    "EventSubscription": shape(
        {
            "id": UUID,
            "source_model_id": ID,
            "trigger_event": one_of(TriggerEvent.values),
            "target_model_id": ID,
            "target_action": one_of(Action.values),
            "input_source": one_of(InputSource.values),
            "input": OBJECT,
            "label": nullable(TEXT),
            "status": one_of(SubscriptionStatus.values),
            "created_at": TIME,
            "updated_at": TIME,
            "warnings": listed(TEXT),
            "stale_because": listed(ref("StaleReason")),
        },
        optional=("input", "warnings", "stale_because"),
        text="When an event happens to the source, run an action of the target.",
    ),
    "Acceptance": shape(
        {
            "accepted": COUNT,
            "left_stale": shape(
                {"invalid": COUNT, "trigger_output": COUNT, "closing_loop": COUNT},
                text="Payloads that do not fit the contract; those without a stored payload; those"
                " set to stale by hand that would close a loop.",
            ),
        },
        text="How many subscriptions were accepted, and how many are still stale, by the reason.",
    ),
    "Revalidation": shape(
        {
            "id": UUID,
            "action": one_of(Action.values),
            "version": ID,
            "status": one_of(RevalidationStatus.values),
            "total": nullable(COUNT),
            "checked": COUNT,
            "invalid": COUNT,
            "created_at": TIME,
            "started_at": nullable(TIME),
            "finished_at": nullable(TIME),
        },
        text="One run over the stored payloads after a contract changed; `total` is null until"
        " the first worker has counted.",
    ),
}
