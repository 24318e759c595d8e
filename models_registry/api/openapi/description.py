"""How operations are described: the parts that the documentation of both apps is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from models_registry.api.openapi.components import Schema
from models_registry.api.openapi.examples import CREATE_MODEL
from models_registry.api.openapi.refusals import WAITS, Refusal, refusal_response, refusals_of
from models_registry.json_types import ID_PATTERN

View = TypeVar("View")

READ = "read_models"
REPLAYED = "`true` when this is the first answer to the same Idempotency-Key, given again."
ID = {"type": "string", "pattern": f"^{ID_PATTERN}$"}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The same key and body within 24 hours get the first answer again.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "minLength": 1},
    OpenApiParameter.HEADER,
    description="The ETag that was read; 412 when there is another by now.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    {"type": "string", "minLength": 1},
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
        "cursor",
        {"type": "string", "minLength": 1},
        description="From the `Link` header of the page before.",
    ),
]


def path_id(name: str, text: str, example: str) -> OpenApiParameter:
    """Return the parameter of a path that is an id, such as `example`."""
    shown = [OpenApiExample("Example", example)]
    return OpenApiParameter(name, ID, OpenApiParameter.PATH, description=text, examples=shown)


def path_uuid(name: str, text: str) -> OpenApiParameter:
    """Return the parameter of a path that is a UUID."""
    return OpenApiParameter(name, OpenApiTypes.UUID, OpenApiParameter.PATH, description=text)


def choice(name: str, values: list[str]) -> OpenApiParameter:
    """Return a query parameter that narrows a list."""
    return OpenApiParameter(name, str, enum=values, description="Only those where it is this.")


MODEL_ID = path_id("model_id", "The model.", CREATE_MODEL["id"])
MODEL_VERSION = path_id("model_version", "The version of the model.", "1")
VERSION_PATH = (MODEL_ID, MODEL_VERSION)
JOB_ID = path_uuid("job_id", "The job: its id is in the answer that recorded it, and in lists.")


def header(name: str, text: str, *statuses: int) -> OpenApiParameter:
    """Return a header of answers with these statuses."""
    return OpenApiParameter(
        name,
        str,
        OpenApiParameter.HEADER,
        response=list(statuses),
        description=text,
    )


def made_at(status: int) -> tuple[OpenApiParameter, ...]:
    """Return the headers around the making of something, which is answered with `status`."""
    return (
        IDEMPOTENCY_KEY,
        header("Location", "Where what was made can be read.", status),
        header("Idempotent-Replayed", REPLAYED, status),
    )


LINK = header("Link", 'The next page: `<...>; rel="next"`; absent on the last one.', 200)


def operation(
    operation_id: str,
    summary: str,
    text: str,
    *,
    tag: str,
    scope: str | tuple[str, ...],
    status: int = 200,
    answer: Schema | None = None,
    shown: Any = None,
    body: Any = None,
    sent: Mapping[str, Any] | None = None,
    parameters: tuple[OpenApiParameter, ...] = (),
    errors: tuple[Refusal, ...] = (),
    faults_at: Mapping[str, str] = MappingProxyType({}),
    conditional: bool = False,
) -> Callable[[View], View]:
    """Return the decorator that describes an action.

    `answer` is the schema of the success and `shown` an example of it; `sent` are examples of
    the body by name. `errors` are the refusals besides those that any operation, or any with such
    a body and such parameters, may give; `faults_at` is, by code, where in this operation's body
    they find a fault, when it is not where others do. `conditional` reads answer 304. Of several
    scopes, the one of the job's type is needed.
    """
    rights = _rights(scope)
    refused = refusals_of(
        errors, is_public=scope == "public", has_body=body is not None, parameters=parameters
    )
    responses: dict[int, Any] = {status: _success(answer, shown, status)}
    if conditional:
        responses[304] = OpenApiResponse(description="Nothing has changed.")
    responses |= {each: refusal_response(each, codes, faults_at) for each, codes in refused.items()}
    described: Any = extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=text + rights,
        tags=[tag],
        request=body,
        responses=responses,
        parameters=[*parameters, *_headers_of_refusals(refused)],
        examples=[
            OpenApiExample(name, value, request_only=True) for name, value in (sent or {}).items()
        ],
    )
    decorator: Callable[[View], View] = described
    return decorator


def _rights(scope: str | tuple[str, ...]) -> str:
    if isinstance(scope, tuple):
        return f"\n\nNeeds the scope of the job's type: {' or '.join(f'`{s}`' for s in scope)}."
    return "" if scope == "public" else f"\n\nNeeds the scope `{scope}`."


def _success(answer: Schema | None, shown: Any, status: int) -> OpenApiResponse:
    if answer is None:
        return OpenApiResponse(description="Done.")
    example = OpenApiExample("Answer", shown, response_only=True, status_codes=[str(status)])
    return OpenApiResponse(answer, description="Done.", examples=[example])


def _headers_of_refusals(
    refused: Mapping[int, list[tuple[str, str]]],
) -> list[OpenApiParameter]:
    headers = []
    if 401 in refused:
        headers.append(header("WWW-Authenticate", "Bearer.", 401))
    waits = [status for status, codes in refused.items() if not WAITS.isdisjoint(dict(codes))]
    if waits:
        headers.append(header("Retry-After", "In seconds.", *waits))
    return headers
