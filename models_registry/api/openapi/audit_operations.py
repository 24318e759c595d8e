"""What the OpenAPI document says of the operations by which the service is watched."""

from __future__ import annotations

from datetime import datetime

from drf_spectacular.utils import OpenApiParameter

from models_registry.api.openapi import examples
from models_registry.api.openapi.components import listed, ref
from models_registry.api.openapi.description import ID, PAGING, choice, header, operation
from models_registry.observability.audit_log import AuditAction

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
        header("Link", 'The next page: `<...>; rel="next"`; absent on the last one.', 200),
    ),
)
