"""Whether this host may invoke the functions of active models, by dry runs: nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from django.conf import settings

from config.doctor.findings import Finding, problem, warning, well
from models_registry.handlers.aws_lambda import dry_run
from models_registry.handlers.protocol import CallError
from models_registry.models import Model, ModelStatus

# So many functions are asked about, so many at a time.
FUNCTIONS_AT_MOST = 100
AT_A_TIME = 8
ADVICE = {
    "lambda_not_found": "Create the function or the version, or update the model.",
    "lambda_access_denied": "Allow this host's role `lambda:InvokeFunction` on it.",
    "lambda_no_credentials": "Give this host AWS credentials, as boto3 looks for them.",
    "lambda_unreachable": "See that the region exists and that this host reaches AWS.",
    "function_not_allowed": "Allow it in LAMBDA_ACCOUNTS, LAMBDA_REGIONS or LAMBDA_NAME_PREFIX,"
    " or update the model.",
}
OTHERWISE = "Look at the function in AWS; its error is Lambda's own."

Function = tuple[str, str | None]


def examine() -> Iterator[Finding]:
    """Ask about each distinct function, and name those that can't be invoked."""
    if settings.EMBEDDED and not settings.LAMBDA_ENDPOINT_URL:
        yield well("functions", "They run inside `manage.py serve`.")
        return
    found = list(islice(_distinct(), FUNCTIONS_AT_MOST + 1))
    asked = found[:FUNCTIONS_AT_MOST]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        errors = list(pool.map(_ask, asked))
    for function, error in zip(asked, errors, strict=True):
        if error is not None:
            yield _finding(function, error)
    if len(found) > len(asked):
        said = f"There are more than {FUNCTIONS_AT_MOST}; the others were not asked about."
        yield warning("functions", said, "Nothing, if these are alike.")
    allowed = errors.count(None)
    said = f"{allowed} of {len(asked)} may be invoked." if asked else "No active model has one."
    yield well("functions", said)


def _distinct() -> Iterator[Function]:
    """Yield each function that an active model's present or next version uses, once."""
    active = Model.objects.filter(status=ModelStatus.ACTIVE).order_by("pk")
    rows = active.values_list("handlers", "current_version__handlers")
    seen = set()
    for handlers in (each for row in rows.iterator() for each in row if each):
        for handler in handlers.values():
            function = (handler.get("arn"), handler.get("version"))
            if handler["type"] == "lambda" and function not in seen:
                seen.add(function)
                yield function


def _ask(function: Function) -> CallError | None:
    arn, version = function
    return dry_run({"type": "lambda", "arn": arn} | ({"version": version} if version else {}))


def _finding(function: Function, error: CallError) -> Finding:
    arn, version = function
    name = arn if version is None else f"{arn} ({version})"
    own = error.get("details") or error["message"]
    return problem("functions", f"{name}: {own}", ADVICE.get(error["code"], OTHERWISE))
