"""The event that a handler receives."""

from __future__ import annotations

from typing import Any, TypedDict

import orjson
from django.conf import settings

from models_registry.handlers.callbacks import make_callback_token
from models_registry.models import Job, ModelVersion
from models_registry.observability.tracing import present_trace

# The most that ids, names, URL and token of an event take, besides input and metadata.
ENVELOPE_BYTES = 2048


class Callback(TypedDict):
    """Where the handler reports, and the bearer token that is good for that one job."""

    url: str
    token: str


class TraceNames(TypedDict):
    """The request id and trace of this work, for the logs and traces of the handler.

    `traceparent` is W3C's: a handler that passes it on, with its report or to others, is part of
    one trace with the request for the job.
    """

    request_id: str
    traceparent: str


class Event(TypedDict):
    """The event; `job_id` is the handler's idempotency key, since dispatch is at least once."""

    job_id: str
    job_type: str
    model_id: str
    model_version: str
    input: dict[str, Any]
    metadata: dict[str, Any]
    callback: Callback
    trace: TraceNames


def make_event(job: Job, version: ModelVersion) -> bytes:
    """Return the event for `job` as JSON; its trace is the present one."""
    trace = present_trace()
    path = f"/v2/models/{job.model_id}/versions/{version.version}/jobs/{job.pk}/complete"
    event = Event(
        job_id=str(job.pk),
        job_type=job.job_type,
        model_id=job.model_id,
        model_version=version.version,
        input=job.input,
        metadata=version.metadata,
        callback={
            "url": settings.PUBLIC_URL + path,
            "token": make_callback_token(job.pk),
        },
        trace={"request_id": trace.request_id, "traceparent": trace.traceparent},
    )
    return orjson.dumps(event)


def event_bytes_needed(*, input: dict[str, Any], metadata: dict[str, Any]) -> int:
    """Return an upper bound of the size of the event, before there is a job, in bytes."""
    return len(orjson.dumps(input)) + len(orjson.dumps(metadata)) + ENVELOPE_BYTES
