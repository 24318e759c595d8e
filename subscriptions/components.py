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

FLAG: Schema = {"type": "boolean"}
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
    "Witness": shape({"value": {}}, text="A document that one side accepts and the other refuses."),
    "ContractChange": shape(
        {
            "pointer": TEXT,
            "keyword": TEXT,
            "kind": TEXT,
            "message": TEXT,
            "verdict": ref("Verdict"),
        },
        text="One difference: where, what, in words, and what it does by itself.",
    ),
    "Verdict": {
        **one_of(["compatible", "incompatible", "unknown"]),
        "description": "`compatible` is proved, `incompatible` has a witness, else `unknown`.",
    },
    "Comparison": shape(
        {
            "changed": FLAG,
            "verdict": ref("Verdict"),
            "lenient_verdict": {
                **ref("Verdict"),
                "description": "Names that neither schema lists are left out.",
            },
            "witness": ref("Witness"),
            "lenient_witness": ref("Witness"),
            "changes": listed(ref("ContractChange")),
            "never_accepts": FLAG,
        },
        optional=("witness", "lenient_witness"),
        text="What a change of schema does. Input: whether all that was accepted stays accepted;"
        " output: whether all that was promised stays promised.",
    ),
    "InterfaceReport": shape(
        {
            "action": one_of(Action.values),
            "direction": one_of(Direction.values),
            "changes": FLAG,
            "comparison": nullable(ref("Comparison")),
        },
        text="What becomes of one interface; no comparison where no schema is set at all.",
    ),
    "BrokenPayload": shape(
        {"subscription_id": UUID, "faults": listed(ref("Fault"))},
        text="A stored payload that would not fit, and where.",
    ),
    "NameReport": shape(
        {"name": TEXT, "carried": COUNT, "broken": COUNT},
        text="A new property: how many stored payloads carry its name already, and how many of"
        " those would not fit.",
    ),
    "PayloadReport": shape(
        {
            "action": one_of(Action.values),
            "checked": COUNT,
            "invalid": COUNT,
            "complete": FLAG,
            "examples": listed(ref("BrokenPayload")),
            "names": listed(ref("NameReport")),
        },
        optional=("names",),
        text="Stored payloads held against the planned contract; `complete` is false when there"
        " are more than were checked.",
    ),
    "ContractCheck": shape(
        {
            "interfaces": listed(ref("InterfaceReport")),
            "stale": shape({"target": COUNT, "source": COUNT}, text="By the side that changes."),
            "payloads": listed(ref("PayloadReport")),
            "warnings": listed(TEXT),
        },
        text="What a planned update would do.",
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
