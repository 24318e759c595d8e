"""What the OpenAPI document says of the operations on jobs."""

from __future__ import annotations

from models_registry.api.openapi import examples
from models_registry.api.openapi.components import listed, ref
from models_registry.api.openapi.description import (
    JOB_ID,
    MODEL_ID,
    PAGING,
    choice,
    operation,
)
from models_registry.api.openapi.model_operations import LINK, READ, VERSION_PATH, made_at
from models_registry.api.serializers import (
    CompleteJobRequest,
    EmptyRequest,
)
from models_registry.models import Action, JobStatus
from models_registry.services.completion import JobAlreadyFinished
from models_registry.services.jobs import (
    EventTooLarge,
    TooManyJobs,
    VersionNotActive,
)
from models_registry.services.lookups import JobNotFound, ModelNotFound
from models_registry.services.reruns import JobNotFailed, JobNotPending

# Which of them depends on the job's type.
STARTING = ("run_training", "run_inference")
FILTERS = (choice("status", JobStatus.values), choice("job_type", Action.values))

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
    errors=(JobNotFound, JobAlreadyFinished),
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
    errors=(ModelNotFound,),
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
    errors=(JobNotFound,),
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
    errors=(JobNotFound,),
)
retry_job = operation(
    "retryJob",
    "Run a failed job again",
    "Records a new job of the same version, type and input, whose `retry_of` is this one, and"
    " answers at once. A job that has not failed is 409; inference on a version that is not"
    " active is 422, as when it is asked for anew.",
    tag="Jobs",
    scope=STARTING,
    status=202,
    answer=ref("RepeatedJob"),
    shown={"job_id": examples.JOB_ID},
    body=EmptyRequest,
    sent={"Retry": {}},
    parameters=(JOB_ID, *made_at(202)),
    errors=(JobNotFound, JobNotFailed, VersionNotActive, EventTooLarge, TooManyJobs),
    faults_at={"event_too_large": ""},
)
cancel_job = operation(
    "cancelJob",
    "Cancel a pending job",
    "It ends as a failure with the error code `cancelled` and is never dispatched; its version"
    " stays as it is. One that was cancelled before is answered as it is; one that has started or"
    " ended is 409.",
    tag="Jobs",
    scope=STARTING,
    answer=ref("Job"),
    shown=examples.CANCELLED_JOB,
    body=EmptyRequest,
    sent={"Cancel": {}},
    parameters=(JOB_ID,),
    errors=(JobNotFound, JobNotPending),
)
