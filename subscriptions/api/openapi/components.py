"""The schemas of what the subscriptions' operations answer, by name, for the OpenAPI document."""

from __future__ import annotations

from models_registry.api.openapi.components import (
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
from models_registry.models import Action, Direction, ModelStatus
from subscriptions.models import (
    InputSource,
    ReportStatus,
    RevalidationStatus,
    SubscriptionStatus,
    TriggerEvent,
)
from subscriptions.services.graph import EDGES_LIMIT, NAMED, NODES_LIMIT

FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
LENIENTLY = (
    "The same with names left out that a payload's own schema does not list: for an input the old"
    " schema, for an output the new one."
)

FORETOLD: dict[str, Schema] = {
    "interfaces": listed(ref("InterfaceReport")),
    "stale": ref("StaleCounts"),
    "payloads": listed(ref("PayloadReport")),
    "warnings": listed(TEXT),
}

COMPONENTS: dict[str, Schema] = {
    "StaleReason": shape(
        {
            "side": one_of(["target", "source"]),
            "action": one_of(Action.values),
            "direction": one_of(Direction.values),
            "version": ID,
            "since": TIME,
            "changes": listed(ref("ContractChange")),
        },
        optional=("changes",),
        text="One interface that is not as it was accepted, and the version that changed it."
        " `changes`, what differs by now, only where the subscription is read by itself.",
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
            "edge": ref("Edge"),
        },
        optional=("input", "warnings", "stale_because", "edge"),
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
            "lenient_verdict": {**ref("Verdict"), "description": LENIENTLY},
            "witness": ref("Witness"),
            "lenient_witness": ref("Witness"),
        },
        # Reports that were stored by an older release have no lenient verdict.
        optional=("lenient_verdict", "witness", "lenient_witness"),
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
            "lenient_verdict": {**ref("Verdict"), "description": LENIENTLY},
            "witness": ref("Witness"),
            "lenient_witness": ref("Witness"),
            "changes": listed(ref("ContractChange")),
            "never_accepts": FLAG,
        },
        optional=("witness", "lenient_witness"),
        text="What a change of schema does. Input: whether all that was accepted stays accepted;"
        " output: whether all that was promised stays promised. Only objects count, as no other"
        " value is taken or handed on.",
    ),
    "Edge": shape(
        {
            "verdict": ref("Verdict"),
            "lenient_verdict": {
                **ref("Verdict"),
                "description": "Names that the source does not list are left out.",
            },
            "witness": ref("Witness"),
            "lenient_witness": ref("Witness"),
            "shares_no_field": FLAG,
        },
        optional=("witness", "lenient_witness"),
        text="Whether everything the source's output schema promises fits the target's input"
        " schema; only for `trigger_output` where both are set, and where the subscription is read"
        " by itself.",
    ),
    "InterfaceReport": shape(
        {
            "action": one_of(Action.values),
            "direction": one_of(Direction.values),
            "changes": FLAG,
            "before": one_of(["schema", "handler"]),
            "after": one_of(["schema", "handler"]),
            "comparison": nullable(ref("Comparison")),
        },
        text="What becomes of one interface, which is the schema or, without one, the handler. No"
        " comparison where it does not change, or where there is no schema on either side.",
    ),
    "BrokenPayload": shape(
        {"subscription_id": UUID, "faults": listed(ref("Fault"))},
        text="A stored payload that would not fit, and where.",
    ),
    "NameReport": shape(
        {"name": TEXT, "pointer": TEXT, "carried": COUNT, "broken": COUNT, "message": TEXT},
        text="A new property: how many stored payloads carry its name already, and how many of"
        " those with a value that does not fit. `pointer` is its place in the new schema.",
    ),
    "PayloadReport": shape(
        {
            "action": one_of(Action.values),
            "total": COUNT,
            "checked": COUNT,
            "invalid": COUNT,
            "already_invalid": COUNT,
            "complete": FLAG,
            "examples": listed(ref("BrokenPayload")),
            "names": listed(ref("NameReport")),
        },
        optional=("names",),
        text="Stored payloads held against the new contract, newest first; `complete` is false"
        " when there are more than were checked. `already_invalid` of the `invalid` did not fit"
        " the old contract either.",
    ),
    "StaleCounts": shape(
        {"target": COUNT, "source": COUNT, "total": COUNT, "active": COUNT, "ended": COUNT},
        text="Subscriptions that are not stale before and are after, by the side that changes;"
        " `active` of the `total` stop firing. `ended` are stale before and not after.",
    ),
    "Foretold": shape(FORETOLD, text="What an update does to others."),
    "ContractCheck": shape(
        {
            "against": shape(
                {"version": ID, "etag": TEXT},
                text="The state it was checked against; with `etag` in its `If-Match` the update"
                " is refused if there is another by then.",
            ),
            **FORETOLD,
        },
        text="What a planned update would do.",
    ),
    "VersionChanges": shape(
        {
            "version": ID,
            "status": one_of(ReportStatus.values),
            "created_at": TIME,
            "finished_at": nullable(TIME),
            "report": nullable(ref("Foretold")),
        },
        text="What the update that made a version did; `report` is null until it is `done`.",
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
            "error": nullable(TEXT),
            "created_at": TIME,
            "started_at": nullable(TIME),
            "finished_at": nullable(TIME),
        },
        text="One run over the stored payloads after a contract changed; `total` is null until"
        " the first worker has counted. `error` says why it `failed`: checking some of the"
        " payloads took one worker after another with it.",
    ),
    "Graph": shape(
        {
            "nodes": {**listed(ref("GraphNode")), "maxItems": NODES_LIMIT},
            "edges": {**listed(ref("GraphEdge")), "maxItems": EDGES_LIMIT},
            "truncated": FLAG,
        },
        text="Models and the subscriptions between them. `truncated`: there are more.",
    ),
    "GraphNode": shape(
        {
            "id": ID,
            "name": TEXT,
            "status": one_of(ModelStatus.values),
            "current_version": nullable(ID),
        },
        text="A model.",
    ),
    "GraphEdge": shape(
        {
            "source_model_id": ID,
            "target_model_id": ID,
            "trigger_event": one_of(TriggerEvent.values),
            "target_action": one_of(Action.values),
            "input_source": one_of(InputSource.values),
            "status": one_of(SubscriptionStatus.values),
            "count": {"type": "integer", "minimum": 1},
            "subscription_ids": {**listed(UUID), "minItems": 1, "maxItems": NAMED},
        },
        text="All subscriptions that do the same with the same effective status: how many there"
        " are, and the oldest few by id.",
    ),
}
