"""What the OpenAPI document says of the operations on models and versions."""

from __future__ import annotations

from models_registry.api.openapi import examples
from models_registry.api.openapi.components import listed, ref
from models_registry.api.openapi.description import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LINK,
    MODEL_ID,
    PAGING,
    READ,
    REPLAYED,
    VERSION_PATH,
    header,
    made_at,
    operation,
)
from models_registry.api.serializers import (
    CreateModelRequest,
    CreateVersionRequest,
    InferRequest,
    SetStatusRequest,
    TrainRequest,
    UpdateModelRequest,
)
from models_registry.services.definitions import DefinitionRefused
from models_registry.services.jobs import (
    ContractViolated,
    EventTooLarge,
    TooManyJobs,
    VersionNotActive,
)
from models_registry.services.lookups import ModelNotFound, VersionNotFound
from models_registry.services.models import ModelIdTaken, ModelInUse
from models_registry.services.versions import TransitionForbidden, VersionTaken

MANAGE = "manage_models"

list_models = operation(
    "listModels",
    "List the models",
    "A bare array in the order of ids, in pages. No row is skipped or repeated while others are"
    " being added.",
    tag="Models",
    scope=READ,
    answer=listed(ref("Model")),
    shown=[examples.MODEL],
    parameters=(*PAGING, LINK),
)
create_model = operation(
    "createModel",
    "Register a model",
    "Makes a pending model and its version `1`. Nothing is dispatched: train the version, or set"
    " its status. Without an `id` the model gets a UUIDv7.",
    tag="Models",
    scope=MANAGE,
    status=201,
    answer=ref("ModelAndVersion"),
    shown=examples.NEW_MODEL,
    body=CreateModelRequest,
    sent={"Price model": examples.CREATE_MODEL, "Target": examples.CREATE_TARGET},
    parameters=(*made_at(201), header("ETag", "Strong.", 201)),
    errors=(ModelIdTaken, DefinitionRefused),
)
get_model = operation(
    "getModel",
    "Read a model",
    "The model as it is at present, and its newest version.",
    tag="Models",
    scope=READ,
    answer=ref("ModelAndVersion"),
    shown=examples.MODEL_AND_VERSION,
    parameters=(MODEL_ID, IF_NONE_MATCH, header("ETag", "Strong.", 200, 304)),
    conditional=True,
    errors=(ModelNotFound,),
)
update_model = operation(
    "updateModel",
    "Update a model",
    "Of an **active** model the values change at once and a new version is made, status"
    " `pending`, in which handlers and contracts are frozen; its training job is recorded in the"
    " same transaction and dispatched in the background, with the input of the latest training"
    " started by hand, else `{}`. Of a **pending** model the values and the newest version are"
    " changed in place, and nothing is dispatched.\n\nAbsent or null `handler_contracts` means"
    " none. Subscriptions that were accepted against another contract are stale from then on. An"
    " identical request makes another version: send an `Idempotency-Key` to repeat it safely.",
    tag="Models",
    scope=MANAGE,
    answer=ref("ModelAndVersion"),
    shown=examples.MODEL_AND_VERSION,
    body=UpdateModelRequest,
    sent={"With contracts": examples.UPDATE_MODEL},
    parameters=(
        MODEL_ID,
        IF_MATCH,
        IDEMPOTENCY_KEY,
        header("Idempotent-Replayed", REPLAYED, 200),
        header("ETag", "Strong.", 200),
    ),
    errors=(ModelNotFound, DefinitionRefused, EventTooLarge),
    faults_at={"event_too_large": "/metadata"},
)
delete_model = operation(
    "deleteModel",
    "Delete a model",
    "With its versions, its finished jobs and the subscriptions on its events. Refused (409)"
    " while a job of it is open or another model's subscription targets it.",
    tag="Models",
    scope=MANAGE,
    status=204,
    parameters=(MODEL_ID, IF_MATCH),
    errors=(ModelNotFound, ModelInUse),
)
list_model_versions = operation(
    "listModelVersions",
    "List a model's versions",
    "Newest first, in pages.",
    tag="Versions",
    scope=READ,
    answer=listed(ref("Version")),
    shown=[examples.VERSION],
    parameters=(MODEL_ID, *PAGING, LINK),
    errors=(ModelNotFound,),
)
get_model_version = operation(
    "getModelVersion",
    "Read a version",
    "With the handlers and contracts that were frozen when it was made.",
    tag="Versions",
    scope=READ,
    answer=ref("FrozenVersion"),
    shown=examples.FROZEN_VERSION,
    parameters=(*VERSION_PATH, IF_NONE_MATCH, header("ETag", "Strong.", 200, 304)),
    conditional=True,
    errors=(ModelNotFound, VersionNotFound),
)
create_model_version = operation(
    "createModelVersion",
    "Make a version by hand",
    "A pending version with a name of yours, in which the model's present handlers and contracts"
    " are frozen. Nothing is dispatched.",
    tag="Versions",
    scope=MANAGE,
    status=201,
    answer=ref("ModelAndVersion"),
    shown=examples.MODEL_AND_VERSION,
    body=CreateVersionRequest,
    sent={"Release candidate": examples.CREATE_VERSION},
    parameters=(MODEL_ID, *made_at(201), header("ETag", "Strong.", 201)),
    errors=(ModelNotFound, VersionTaken),
)
set_model_version_status = operation(
    "setModelVersionStatus",
    "Set a version's status",
    "`pending` may become `training`, `active` or `failed`; `training` may become `active`,"
    " `failed` or `pending`; `failed` may become `pending` or `training`; `active` may become"
    " `failed`. The present status again changes nothing, except that `active` for a version"
    " that is not the current one makes it current: the rollback. Anything else is 409."
    " `training` to `active` fires the model's active `training_complete` subscriptions.",
    tag="Versions",
    scope=MANAGE,
    answer=ref("StatusChange"),
    shown=examples.STATUS_CHANGE,
    body=SetStatusRequest,
    sent={"Activate": {"status": "active"}},
    parameters=VERSION_PATH,
    errors=(ModelNotFound, VersionNotFound, TransitionForbidden),
)
train_model_version = operation(
    "trainModelVersion",
    "Train a version",
    "Records a training job and answers at once; follow it at `Location`. Its dispatch moves a"
    " pending or failed version to `training`; its success activates the version, its failure"
    " fails it. An input that does not fit the contract only adds warnings to the job.",
    tag="Work",
    scope="run_training",
    status=202,
    answer=ref("TrainingJob"),
    shown={"training_job_id": examples.JOB_ID},
    body=TrainRequest,
    sent={"No input": {}, "With input": {"input": {"data_path": "march.csv"}}},
    parameters=(*VERSION_PATH, *made_at(202)),
    errors=(ModelNotFound, VersionNotFound, EventTooLarge, TooManyJobs),
)
infer_model_version = operation(
    "inferModelVersion",
    "Run inference",
    "Records an inference job for an active version and answers at once; follow it at"
    " `Location`. The input is checked against the version's contract before anything is"
    " recorded: what does not fit is 422 with every fault. `subscribe: true` also has the input"
    " replayed after each training of the model, once per distinct input.",
    tag="Work",
    scope="run_inference",
    status=202,
    answer=ref("InferenceJob"),
    shown={"inference_job_id": examples.JOB_ID},
    body=InferRequest,
    sent={"Without a contract": examples.INFER, "With features": examples.INFER_FEATURES},
    parameters=(*VERSION_PATH, *made_at(202)),
    errors=(
        ModelNotFound,
        VersionNotFound,
        VersionNotActive,
        ContractViolated,
        EventTooLarge,
        TooManyJobs,
    ),
)
