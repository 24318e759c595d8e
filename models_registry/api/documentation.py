"""How operations are described: the parts that the documentation of both apps is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from models_registry.api.components import Schema, ref
from models_registry.api.paths import ID_PATTERN

View = TypeVar("View")

ERRORS: dict[int, tuple[str, str, str]] = {
    400: ("Malformed: a wrong shape or type, or a bad parameter.", "invalid_request", "Malformed."),
    401: (
        "The bearer token is missing, expired or rejected.",
        "not_authenticated",
        "This needs a valid bearer token.",
    ),
    403: (
        "The token is valid and lacks the right.",
        "permission_denied",
        "This needs the scope manage_models.",
    ),
    404: ("Not found.", "model_not_found", "There is no model with this id."),
    406: ("The answer is JSON, which `Accept` rules out.", "not_acceptable", "JSON only."),
    409: ("It conflicts with the present state.", "conflict", "There is one already."),
    412: ("`If-Match` names another state.", "precondition_failed", "This has changed."),
    413: ("The body is over the limit.", "body_too_large", "The body is too large."),
    415: ("The body must be JSON in UTF-8.", "unsupported_media_type", "JSON in UTF-8 only."),
    422: ("Well-formed, but wrong in meaning.", "unprocessable", "It can't be carried out."),
    500: ("A bug of ours.", "internal_error", "Something went wrong here."),
    503: (
        "The database or the issuer's keys are away.",
        "database_unavailable",
        "The database can't be reached.",
    ),
}
POINTED = {400, 422}
ALWAYS = (401, 403, 406, 500, 503)
BODY = (400, 413, 415)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The same key and body within 24 hours get the first answer again.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="The ETag that was read; 412 when there is another by now.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="An ETag that is known already; 304 when nothing has changed.",
)
PAGING = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        description="How many there are on a page.",
    ),
    OpenApiParameter(
        "cursor", {"type": "string"}, description="From the `Link` header of the page before."
    ),
]


def path_id(name: str, text: str) -> OpenApiParameter:
    """Return the parameter of a path that is an id."""
    schema = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, description=text)


def path_uuid(name: str, text: str) -> OpenApiParameter:
    """Return the parameter of a path that is a UUID."""
    schema = {"type": "string", "format": "uuid"}
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, description=text)


def choice(name: str, values: list[str]) -> OpenApiParameter:
    """Return a query parameter that narrows a list."""
    schema = {"type": "string", "enum": values}
    return OpenApiParameter(name, schema, description="Only those where it is this.")


MODEL_ID = path_id("model_id", "The model.")
MODEL_VERSION = path_id("model_version", "The version of the model.")
JOB_ID = path_uuid("job_id", "The job.")


def header(name: str, text: str, *statuses: int) -> OpenApiParameter:
    """Return a header of answers with these statuses."""
    return OpenApiParameter(
        name,
        {"type": "string"},
        OpenApiParameter.HEADER,
        response=list(statuses),
        description=text,
    )


def operation(
    operation_id: str,
    summary: str,
    text: str,
    *,
    tag: str,
    scope: str,
    status: int = 200,
    answer: Schema | None = None,
    shown: Any = None,
    body: Any = None,
    sent: Mapping[str, Any] | None = None,
    parameters: tuple[OpenApiParameter, ...] = (),
    errors: tuple[int, ...] = (),
    conditional: bool = False,
) -> Callable[[View], View]:
    """Return the decorator that describes an action.

    `answer` is the schema of the success and `shown` an example of it; `sent` are examples of
    the body by name. `errors` are the statuses besides those that any operation, or any with a
    body, may give. `conditional` reads answer 304.
    """
    rights = "" if scope == "public" else f"\n\nNeeds the scope `{scope}`."
    always = (406, 500) if scope == "public" else ALWAYS
    refused = sorted({*always, *errors, *(BODY if body is not None else ())})
    responses: dict[int, Any] = {status: _success(answer, shown, status)}
    if conditional:
        responses[304] = OpenApiResponse(description="Nothing has changed.")
    responses |= {code: _refusal(code) for code in refused}
    described: Any = extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=text + rights,
        tags=[tag],
        auth=[] if scope == "public" else None,
        request=body,
        responses=responses,
        parameters=[*parameters, *_headers_of_refusals(refused)],
        examples=[
            OpenApiExample(name, value, request_only=True) for name, value in (sent or {}).items()
        ],
    )
    decorator: Callable[[View], View] = described
    return decorator


def _success(answer: Schema | None, shown: Any, status: int) -> OpenApiResponse:
    if answer is None:
        return OpenApiResponse(description="Done.")
    example = OpenApiExample("Answer", shown, response_only=True, status_codes=[str(status)])
    return OpenApiResponse(answer, description="Done.", examples=[example])


def _refusal(code: int) -> OpenApiResponse:
    text, name, message = ERRORS[code]
    example: dict[str, Any] = {"success": False, "message": message, "code": name}
    if code in POINTED:
        example["errors"] = [{"path": "/handlers/training/arn", "message": "Must be an ARN."}]
    shown = OpenApiExample(name, example, response_only=True, status_codes=[str(code)])
    return OpenApiResponse(ref("Error"), description=text, examples=[shown])


def _headers_of_refusals(codes: list[int]) -> list[OpenApiParameter]:
    headers = []
    if 401 in codes:
        headers.append(header("WWW-Authenticate", "Bearer.", 401))
    if 503 in codes:
        headers.append(header("Retry-After", "In seconds.", 503))
    return headers
