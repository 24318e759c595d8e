"""What the OpenAPI document says of the subscriptions' operations."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter

from models_registry.api.openapi.components import listed, ref
from models_registry.api.openapi.description import (
    ID,
    IF_MATCH,
    IF_NONE_MATCH,
    LINK,
    MODEL_ID,
    PAGING,
    READ,
    VERSION_PATH,
    choice,
    header,
    made_at,
    operation,
    path_uuid,
)
from models_registry.api.serializers import DefinitionRequest
from models_registry.services.definitions import DefinitionRefused
from models_registry.services.lookups import ModelNotFound, VersionNotFound
from subscriptions.api.openapi import examples
from subscriptions.api.serializers import (
    AcceptSubscriptionsRequest,
    SubscribeRequest,
    UpdateSubscriptionRequest,
)
from subscriptions.models import SubscriptionStatus, TriggerEvent
from subscriptions.services.accepting import RevalidationRunning
from subscriptions.services.graph import DEPTH_MAX, EDGES_LIMIT, NODES_LIMIT
from subscriptions.services.lookups import SubscriptionNotFound
from subscriptions.services.loops import LoopClosed
from subscriptions.services.subscribing import InputNotStored, TargetNotFound

MANAGE = "manage_subscriptions"
TAG = "Event subscriptions"
SUBSCRIPTION_ID = path_uuid("subscription_id", "The subscription: its id is in lists.")
STATUS = choice("status", SubscriptionStatus.values)
EVENT = choice("trigger_event", TriggerEvent.values)
STALE = (
    "It is `stale` while the target's input contract for the action (for `trigger_output` also"
    " the source's output contract) differs from the one it was accepted against, and says why"
    " and since when. A stale or paused subscription never fires."
)


def _other(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, ID, description="Only those with this model on the other side.")


list_subscriptions = operation(
    "listModelEventSubscriptions",
    "List the subscriptions on a model's events",
    "In the order of making, in pages; `status` filters by the effective one. " + STALE,
    tag=TAG,
    scope=READ,
    answer=listed(ref("EventSubscription")),
    shown=[examples.SUBSCRIPTION],
    parameters=(MODEL_ID, STATUS, EVENT, _other("target_model_id"), *PAGING, LINK),
    errors=(ModelNotFound,),
)
list_incoming = operation(
    "listIncomingEventSubscriptions",
    "List the subscriptions that run a model",
    "The same from the target's side.",
    tag=TAG,
    scope=READ,
    answer=listed(ref("EventSubscription")),
    shown=[examples.STALE],
    parameters=(MODEL_ID, STATUS, EVENT, _other("source_model_id"), *PAGING, LINK),
    errors=(ModelNotFound,),
)
create_subscription = operation(
    "createModelEventSubscription",
    "Subscribe to a model's event",
    "The model of the path is the source. With `stored`, `input` is what the target is given,"
    " each time; with `trigger_output` it is the output of the job that triggered. What does not"
    " fit the target's contract, or an output that shares no field with it, gives `warnings` and"
    " blocks nothing. A subscription that would"
    " close a loop of (model, action) is 422 and names it.",
    tag=TAG,
    scope=MANAGE,
    status=201,
    answer=ref("EventSubscription"),
    shown=examples.SUBSCRIPTION,
    body=SubscribeRequest,
    sent={"Replay after retrain": examples.SUBSCRIBE},
    parameters=(
        MODEL_ID,
        *made_at(201),
        header("ETag", "Strong.", 201),
    ),
    errors=(ModelNotFound, TargetNotFound, LoopClosed),
)
get_subscription = operation(
    "getModelEventSubscription",
    "Read a subscription",
    STALE + " What differs from the accepted contract is in `changes`. For `trigger_output`, `edge`"
    " holds the source's output schema against the target's input schema.",
    tag=TAG,
    scope=READ,
    answer=ref("EventSubscription"),
    shown=examples.STALE,
    parameters=(MODEL_ID, SUBSCRIPTION_ID, IF_NONE_MATCH, header("ETag", "Strong.", 200, 304)),
    conditional=True,
    errors=(SubscriptionNotFound,),
)
update_subscription = operation(
    "updateModelEventSubscription",
    "Change, pause, resume or accept a subscription",
    "Nothing is required. `status: active`, or a new `input`, accepts the present interfaces, so"
    " that it is no longer stale. Resuming looks for loops again (422).",
    tag=TAG,
    scope=MANAGE,
    answer=ref("EventSubscription"),
    shown=examples.SUBSCRIPTION,
    body=UpdateSubscriptionRequest,
    sent={"Accept": {"status": "active"}, "Mend": {"input": {"route": "Perth to Sydney"}}},
    parameters=(MODEL_ID, SUBSCRIPTION_ID, IF_MATCH, header("ETag", "Strong.", 200)),
    errors=(SubscriptionNotFound, InputNotStored, LoopClosed),
)
delete_subscription = operation(
    "deleteModelEventSubscription",
    "End a subscription",
    "With the record of what it triggered; the jobs stay.",
    tag=TAG,
    scope=MANAGE,
    status=204,
    parameters=(MODEL_ID, SUBSCRIPTION_ID, IF_MATCH),
    errors=(SubscriptionNotFound,),
)
accept_subscriptions = operation(
    "acceptSubscriptions",
    "Accept a changed contract for all subscriptions that run a model",
    "Accepts the present interfaces for the stale subscriptions that target the model, whose"
    " stored payload fits its present contract (`only_valid`, the default), or for all of them."
    " Paused ones stay paused; those set to `stale` by hand become active, unless that would close"
    " a loop. Payloads are checked before they count as fitting: while a check of them takes"
    " longer than a few seconds the answer is 409 with `Retry-After`.",
    tag=TAG,
    scope=MANAGE,
    answer=ref("Acceptance"),
    shown=examples.ACCEPTANCE,
    body=AcceptSubscriptionsRequest,
    sent={"Those that fit": {"only_valid": True}, "All": {"only_valid": False}},
    parameters=(MODEL_ID,),
    errors=(ModelNotFound, RevalidationRunning),
)
check_contract = operation(
    "checkContract",
    "Look before you leap",
    "Takes the handlers and contracts of a planned update, changes nothing, and says what the"
    " update would do: which interfaces change, how each schema differs and whether that is"
    " compatible, how many subscriptions would go stale, and which stored payloads would no"
    " longer fit. A new optional property of an open object is strictly incompatible, since a"
    " payload may carry that name already; `names` says how many do. Send `against.etag` as the"
    " `If-Match` of the update to be sure that nothing has changed in between.",
    tag="Models",
    scope=READ,
    answer=ref("ContractCheck"),
    shown=examples.CONTRACT_CHECK,
    body=DefinitionRequest,
    sent={"A contract for inference": examples.PLANNED},
    parameters=(MODEL_ID,),
    errors=(ModelNotFound, DefinitionRefused),
)
get_model_version_changes = operation(
    "getModelVersionChanges",
    "See what an update did to others",
    "The same report as a contract check gives, of the update that made the version (of a pending"
    " model's version, changed in place: of the latest such update). It is made in the background:"
    " until then `status` is `pending` and `report` null. A version that changed no interface has a"
    " report that says so. Subscriptions accepted before `finished_at` are not counted as stale.",
    tag="Models",
    scope=READ,
    answer=ref("VersionChanges"),
    shown=examples.VERSION_CHANGES,
    parameters=VERSION_PATH,
    errors=(ModelNotFound, VersionNotFound),
)
list_revalidations = operation(
    "listModelRevalidations",
    "Watch the checks of stored payloads",
    "When a contract changes, every stored payload for the action is checked again in the"
    " background and its `warnings` rewritten. Newest first, in pages.",
    tag=TAG,
    scope=READ,
    answer=listed(ref("Revalidation")),
    shown=[examples.REVALIDATION],
    parameters=(MODEL_ID, *PAGING, LINK),
    errors=(ModelNotFound,),
)
get_graph = operation(
    "getGraph",
    "See what sets off what",
    "Models, and the subscriptions between them, those alike counted as one edge. With `model_id`"
    " the models around that one, whichever way the subscriptions point; else all. At most"
    f" {NODES_LIMIT} models, by id or the nearest first, and {EDGES_LIMIT} edges;"
    " `truncated` says that there are more.",
    tag=TAG,
    scope=READ,
    answer=ref("Graph"),
    shown=examples.GRAPH,
    parameters=(
        OpenApiParameter("model_id", ID, description="Only this model and those around it."),
        OpenApiParameter(
            "depth",
            {"type": "integer", "minimum": 1, "maximum": DEPTH_MAX, "default": 1},
            description="With `model_id`: so many subscriptions away at most.",
        ),
    ),
    errors=(ModelNotFound,),
)
