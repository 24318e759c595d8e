"""What the OpenAPI document says of the operations on jobs, the audit log and health."""

from __future__ import annotations

from datetime import datetime

from drf_spectacular.utils import OpenApiParameter

from models_registry.api.openapi import examples
from models_registry.api.openapi.components import listed, ref
from models_registry.api.openapi.description import (
    ID,
    JOB_ID,
    LINK,
    MODEL_ID,
    PAGING,
    READ,
    VERSION_PATH,
    choice,
    made_at,
    operation,
)
from models_registry.api.serializers import (
    CompleteJobRequest,
    EmptyRequest,
)
from models_registry.models import Action, JobStatus
from models_registry.observability.audit_log import AuditAction
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
get_health = operation(
    "getHealth",
    "See whether the service answers",
    "Public: it needs no token, and looks at nothing but the process.",
    tag="Health",
    scope="public",
    answer=ref("Health"),
    shown={"status": "ok"},
)
get_readiness = operation(
    "getReadiness",
    "See whether the service can do its work",
    "Looks at its parts, for at most two seconds, and at most once a second however often it is"
    " asked. 503 when nothing can be answered: without the database, or while migrations are"
    " missing. Without the broker, a worker for each queue or the sweep it is `degraded` with 200:"
    " requests are answered and jobs accepted, which then wait. `age_seconds` is how long ago a"
    " part was last seen to be well; of workers and the sweep, how old their last sign of life is."
    " The bearer of `MONITORING_TOKEN` may read it as well.",
    tag="Health",
    scope="read_models",
    answer=ref("Readiness"),
    shown=examples.READINESS,
    errors=((503, "not_ready", "The service can't do its work; `checks` says why."),),
)
list_audit = operation(
    "listAudit",
    "Read the audit log",
    "Every change of a model, a version or a subscription, and every job that a caller asked for or"
    " ended: who, what, when, before and after. Newest first, in pages. A field of `before` or"
    " `after` over 2 KiB, and every payload, stands there as `{bytes, sha256}`. Not in it, since"
    " the jobs themselves tell it: their dispatch, their end by a worker, and the jobs that an"
    " event triggered, of which the entry of the event has the number.",
    tag="Audit",
    scope="admin",
    answer=listed(ref("AuditEntry")),
    shown=[examples.AUDIT_ENTRY],
    parameters=(
        OpenApiParameter(
            "actor",
            {"type": "string", "maxLength": 255},
            description="Only changes by this one: a token's `sub`, a job, a user name.",
        ),
        choice("action", AuditAction.values),
        OpenApiParameter("model_id", ID, description="Only changes of this model."),
        OpenApiParameter("since", datetime, description="Only changes from this time on."),
        OpenApiParameter("until", datetime, description="Only changes before this time."),
        *PAGING,
        LINK,
    ),
)
