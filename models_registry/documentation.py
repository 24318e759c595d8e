"""What the OpenAPI document says of the registry's operations."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter

from models_registry import examples
from models_registry.api.components import listed, ref
from models_registry.api.documentation import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    JOB_ID,
    MODEL_ID,
    MODEL_VERSION,
    PAGING,
    choice,
    header,
    operation,
)
from models_registry.models import Action, JobStatus
from models_registry.serializers import (
    CompleteJobRequest,
    CreateModelRequest,
    CreateVersionRequest,
    InferRequest,
    SetStatusRequest,
    TrainRequest,
    UpdateModelRequest,
)

READ, MANAGE = "read_models", "manage_models"
LINK = header("Link", 'The next page: `<...>; rel="next"`; absent on the last one.', 200)
REPLAYED = "`true` when this is the first answer to the same Idempotency-Key, given again."
FILTERS = (choice("status", JobStatus.values), choice("job_type", Action.values))
VERSION_PATH = (MODEL_ID, MODEL_VERSION)


def _location(status: int) -> tuple[OpenApiParameter, ...]:
    return (
        IDEMPOTENCY_KEY,
        header("Location", "Where what was made can be read.", status),
        header("Idempotent-Replayed", REPLAYED, status),
    )


get_health = operation(
    "getHealth",
    "See whether the service answers",
    "Public: it needs no token, and looks at nothing but the process.",
    tag="Health",
    scope="public",
    answer=ref("Health"),
    shown={"status": "ok"},
)
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
    errors=(400,),
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
    sent={"Price model": examples.CREATE_MODEL},
    parameters=(*_location(201), header("ETag", "Strong.", 201)),
    errors=(409, 422),
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
    errors=(400, 404),
    conditional=True,
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
    errors=(404, 409, 412, 422),
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
    errors=(400, 404, 409, 412),
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
    errors=(400, 404),
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
    errors=(400, 404),
    conditional=True,
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
    parameters=(MODEL_ID, *_location(201), header("ETag", "Strong.", 201)),
    errors=(404, 409, 422),
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
    errors=(404, 409),
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
    parameters=(*VERSION_PATH, *_location(202)),
    errors=(404, 409, 422),
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
    parameters=(*VERSION_PATH, *_location(202)),
    errors=(404, 409, 422),
)
complete_model_job = operation(
    "completeModelJob",
    "Report the end of a job",
    "For the job's handler, with the callback token from its event, or for a bearer of the scope."
    " The same report again gets the first answer; one that contradicts it is 409. Output that"
    " does not fit the contract is kept, with warnings in the job.",
    tag="Jobs",
    scope="complete_jobs",
    answer=ref("Completion"),
    shown=examples.COMPLETION,
    body=CompleteJobRequest,
    sent={"Success": examples.COMPLETE, "Failure": examples.COMPLETE_FAILURE},
    parameters=(*VERSION_PATH, JOB_ID),
    errors=(404, 409),
)
list_jobs = operation(
    "listJobs",
    "List all jobs",
    "Newest first, in pages.",
    tag="Jobs",
    scope=READ,
    answer=listed(ref("Job")),
    shown=[examples.JOB],
    parameters=(*FILTERS, *PAGING, LINK),
    errors=(400,),
)
list_model_jobs = operation(
    "listModelJobs",
    "List a model's jobs",
    "Newest first, in pages.",
    tag="Jobs",
    scope=READ,
    answer=listed(ref("Job")),
    shown=[examples.JOB],
    parameters=(MODEL_ID, *FILTERS, *PAGING, LINK),
    errors=(400, 404),
)
get_job = operation(
    "getJob",
    "Read a job",
    "By its id alone.",
    tag="Jobs",
    scope=READ,
    answer=ref("Job"),
    shown=examples.JOB,
    parameters=(JOB_ID,),
    errors=(400, 404),
)
get_model_version_job = operation(
    "getModelVersionJob",
    "Read a job of a version",
    "By its whole path; a job of another model or version is not found.",
    tag="Jobs",
    scope=READ,
    answer=ref("Job"),
    shown=examples.JOB,
    parameters=(*VERSION_PATH, JOB_ID),
    errors=(400, 404),
)
