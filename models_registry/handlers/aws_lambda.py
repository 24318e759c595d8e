"""The handler type `lambda`: AWS Lambda functions, their checks and their limits."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import Any

from django.conf import settings

from models_registry.contracts.strict_json import pointer
from models_registry.errors import FAULTS_SOUGHT, Fault
from models_registry.handlers.arns import (
    ARN,
    LENGTH_LIMIT,
    QUALIFIER,
    FunctionArn,
    parse_arn,
    refusals,
)
from models_registry.handlers.protocol import (
    Accepted,
    CallError,
    Failed,
    Outcome,
    Refusal,
    Retry,
    Unknown,
)

KNOWN_KEYS = {"type", "arn", "version"}
# What to do when a function can't be invoked, by the code of the error.
ADVICE = {
    "lambda_not_found": "Create the function or the version, or update the model.",
    "lambda_access_denied": "Allow this host's role `lambda:InvokeFunction` on it.",
    "lambda_no_credentials": "Give this host AWS credentials, as boto3 looks for them.",
    "lambda_unreachable": "See that the region exists and that this host reaches AWS.",
    "function_not_allowed": "Allow it in LAMBDA_ACCOUNTS, LAMBDA_REGIONS or LAMBDA_NAME_PREFIX,"
    " or update the model.",
}
OTHER_ADVICE = "Look at the function in AWS; its error is Lambda's own."


class LambdaHandler:
    """`{"type": "lambda", "arn": ..., "version"?: qualifier}`."""

    named_by = "arn"
    schema_name = "LambdaHandler"

    def openapi_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "description": "An AWS Lambda function.",
            "properties": {
                "type": {"type": "string", "const": "lambda"},
                "arn": {
                    "type": "string",
                    "description": "The whole ARN of the function, with or without a qualifier.",
                    "maxLength": LENGTH_LIMIT,
                    # Without names: Python and ECMA-262 spell named groups differently.
                    "pattern": "^" + re.sub(r"\?P<\w+>", "?:", ARN.pattern) + "$",
                },
                "version": {
                    "type": "string",
                    "description": "The qualifier: a version's number, an alias or $LATEST.",
                    "pattern": f"^({QUALIFIER.pattern})$",
                },
            },
            "required": ["type", "arn"],
            "additionalProperties": False,
        }

    def faults(self, handler: dict[str, Any]) -> tuple[list[Fault], list[Fault]]:
        malformed = [
            Fault(pointer("", key), "There is no such field.")
            for key in islice((key for key in handler if key not in KNOWN_KEYS), FAULTS_SOUGHT)
        ]
        arn = handler.get("arn")
        parsed = parse_arn(arn) if isinstance(arn, str) else None
        if parsed is None:
            malformed.append(Fault("/arn", _arn_message(arn)))
        version = handler.get("version")
        if "version" in handler and not _is_qualifier(version):
            rule = "Must be a Lambda qualifier: a version's number, an alias or $LATEST."
            malformed.append(Fault("/version", rule))
        if malformed or parsed is None:
            return malformed, []
        refused = [Fault("/arn", reason) for reason in refusals(parsed)]
        if version is not None and parsed.qualifier not in (None, version):
            message = f"Disagrees with the qualifier '{parsed.qualifier}' in the ARN."
            refused.append(Fault("/version", message))
        return [], refused

    def is_synchronous(self, job_type: str) -> bool:
        return bool(settings.LAMBDA_INVOCATION_TYPES[job_type] == "RequestResponse")

    def longest_call_seconds(self, job_type: str) -> int:
        read: int = (
            settings.LAMBDA_SYNC_READ_TIMEOUT_SECONDS
            if self.is_synchronous(job_type)
            else settings.LAMBDA_EVENT_READ_TIMEOUT_SECONDS
        )
        return int(settings.LAMBDA_CONNECT_TIMEOUT_SECONDS) + read

    def max_event_bytes(self, job_type: str) -> int:
        if self.is_synchronous(job_type):
            return int(settings.LAMBDA_SYNC_LIMIT_BYTES)
        return int(settings.LAMBDA_EVENT_LIMIT_BYTES)

    def invoke(self, *, handler: dict[str, Any], event: bytes, job_type: str) -> Outcome:
        arn = _called(handler)
        limit = self.max_event_bytes(job_type)
        if len(event) > limit:
            message = f"The event for {arn} has {len(event)} bytes, over {limit}."
            return Failed({"code": "event_too_large", "message": message})
        reasons = refusals(arn)
        if reasons:  # the allow-list may have changed since the model was written
            return Failed({"code": "function_not_allowed", "message": " ".join(reasons)})
        invocation_type = settings.LAMBDA_INVOCATION_TYPES[job_type]
        return _invoke(arn, invocation_type, event)

    def dry_run(self, handler: dict[str, Any]) -> Refusal | None:
        arn = _called(handler)
        reasons = refusals(arn)
        if reasons:
            error: CallError = {"code": "function_not_allowed", "message": " ".join(reasons)}
        else:
            outcome = _invoke(arn, "DryRun", b"{}")
            if isinstance(outcome, Accepted):
                return None
            error = _error_of(outcome)
        reason = error.get("details") or error["message"]
        return Refusal(f"{arn}: {reason}", ADVICE.get(error["code"], OTHER_ADVICE))


def _error_of(outcome: Outcome) -> CallError:
    assert isinstance(outcome, Failed | Retry | Unknown), "a dry run is answered by nothing else"
    return outcome.error


def _arn_message(arn: Any) -> str:
    if arn is None:
        return "This field is required."
    return (
        "Must be the whole ARN of a Lambda function, such as"
        " arn:aws:lambda:us-west-2:123456789012:function:train."
    )


def _is_qualifier(version: Any) -> bool:
    return isinstance(version, str) and QUALIFIER.fullmatch(version) is not None


def _called(handler: dict[str, Any]) -> FunctionArn:
    """Return the function with its qualifier, from the ARN or from `version`."""
    arn = parse_arn(handler["arn"])
    assert arn is not None, "a handler is checked before it is stored"
    return replace(arn, qualifier=handler.get("version") or arn.qualifier)


def _invoke(arn: FunctionArn, invocation_type: str, event: bytes) -> Outcome:
    # Imported here: only processes that call functions need boto3.
    from models_registry.handlers import lambda_calls

    return lambda_calls.invoke(arn, invocation_type, event)
