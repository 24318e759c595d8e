"""What the OpenAPI document shows of refusals: by status, each code that an operation may give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from models_registry.api.etags import InvalidETag, PreconditionFailed
from models_registry.api.idempotency import InvalidIdempotencyKey
from models_registry.api.openapi.components import ref
from models_registry.api.paths import InvalidPathParameter
from models_registry.api.queries import InvalidQuery
from models_registry.contracts.strict_json import MalformedJSON
from models_registry.errors import DomainError, InvalidRequest
from models_registry.services.idempotency import KeyInFlight, KeyReused

# A class of the services', or what is answered elsewhere: status, code and message.
Refusal = type[DomainError] | tuple[int, str, str]

TEXTS = {
    400: "Malformed: a wrong shape or type, or a bad parameter.",
    401: "The bearer token is missing, expired or rejected.",
    403: "The token is valid and lacks the right.",
    404: "Not found.",
    406: "The answer is JSON, which `Accept` rules out.",
    409: "It conflicts with the present state.",
    412: "`If-Match` names another state.",
    413: "The body is over the limit.",
    415: "The body must be JSON in UTF-8.",
    422: "Well-formed, but wrong in meaning.",
    429: "Too many requests of this caller, or too many jobs of this model.",
    500: "A bug of ours.",
    503: "The database or the issuer's keys are away.",
}
NO_TOKEN = "This needs a valid bearer token."  # noqa: S105 (a text, not a secret)
# What any operation may be refused with: even a public one takes no query that there is not.
ALWAYS: tuple[Refusal, ...] = (
    InvalidQuery,
    (406, "not_acceptable", "This can be answered as application/json only."),
    (500, "internal_error", "Something went wrong here, not in your request. It was logged."),
)
OF_TOKENS: tuple[Refusal, ...] = (
    (401, "not_authenticated", NO_TOKEN),
    (401, "authentication_failed", NO_TOKEN),
    (403, "permission_denied", "This needs the scope 'manage_models'."),
    (429, "rate_limited", "More than 600 such requests a minute; wait a little."),
    (503, "database_unavailable", "The database can't be reached or is too busy."),
    (503, "keys_unavailable", "Tokens can't be verified at the moment. Try again later."),
)
OF_BODIES: tuple[Refusal, ...] = (
    InvalidRequest,
    MalformedJSON,
    (400, "body_cut_off", "The body could not be read to its end."),
    (413, "body_too_large", "The body may have at most 7340032 bytes."),
    (415, "unsupported_media_type", "Send the body as application/json, in UTF-8."),
)
OF_HEADERS: dict[str, tuple[Refusal, ...]] = {
    "Idempotency-Key": (InvalidIdempotencyKey, KeyReused, KeyInFlight),
    "If-Match": (InvalidETag, PreconditionFailed),
    "If-None-Match": (InvalidETag,),
}
# Those with which an answer says when to try again.
WAITS = {
    *("rate_limited", "too_many_jobs", "idempotency_key_in_flight"),
    *("database_unavailable", "keys_unavailable"),
}
# What an answer of that code points at; `faults_at` of an operation may tell another place.
FAULTS = {
    "invalid_query_parameter": ("", "There is no query parameter 'page' here."),
    "invalid_path_parameter": ("", "The path parameter 'job_id' must be a UUID with hyphens."),
    "invalid_request": ("/handlers/training/arn", "Must be the whole ARN of a Lambda function."),
    "malformed_json": ("/metadata/a", "NaN is not JSON."),
    "definition_refused": (
        "/handlers/training/version",
        "Disagrees with the ARN.",
    ),
    "contract_violated": ("/input/features/0", 'type: expected the type "number"'),
    "event_too_large": ("/input", "The event for the handler would take 1 MiB."),
    "target_not_found": ("/target_model_id", "There is no model to run with this id."),
}


def refusals_of(
    own: Iterable[Refusal],
    *,
    is_public: bool,
    has_body: bool,
    parameters: Iterable[OpenApiParameter],
) -> dict[int, list[tuple[str, str]]]:
    """Return the codes and messages by status, of an operation with `own` refusals besides."""
    found: dict[int, dict[str, str]] = {}
    for refusal in _refusals(own, is_public, has_body, parameters):
        status, code, message = _told(refusal)
        found.setdefault(status, {}).setdefault(code, message)
    return {status: list(codes.items()) for status, codes in sorted(found.items())}


def _refusals(
    own: Iterable[Refusal], is_public: bool, has_body: bool, parameters: Iterable[OpenApiParameter]
) -> Iterator[Refusal]:
    # The first of a status is what pages show: with a body, that is what is wrong with the body.
    yield from OF_BODIES if has_body else ()
    yield from own
    yield from ALWAYS
    yield from () if is_public else OF_TOKENS
    for parameter in parameters:
        if parameter.location == OpenApiParameter.PATH:
            yield InvalidPathParameter
        elif parameter.location == OpenApiParameter.HEADER and not parameter.response:
            yield from OF_HEADERS.get(parameter.name, ())


def _told(refusal: Refusal) -> tuple[int, str, str]:
    if isinstance(refusal, tuple):
        return refusal
    return refusal.status, refusal.code, refusal.message


def refusal_response(
    status: int, codes: Iterable[tuple[str, str]], faults_at: Mapping[str, str]
) -> OpenApiResponse:
    """Return the description of one status, with an example of each code."""
    examples = [
        OpenApiExample(
            code,
            _envelope(code, message, faults_at),
            response_only=True,
            status_codes=[str(status)],
        )
        for code, message in codes
    ]
    return OpenApiResponse(ref("Error"), description=TEXTS[status], examples=examples)


def _envelope(code: str, message: str, faults_at: Mapping[str, str]) -> dict[str, Any]:
    envelope: dict[str, Any] = {"success": False, "message": message, "code": code}
    if code in FAULTS:
        path, text = FAULTS[code]
        envelope["errors"] = [{"path": faults_at.get(code, path), "message": text}]
    return envelope
