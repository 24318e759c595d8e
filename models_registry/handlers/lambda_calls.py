"""Calls of AWS Lambda functions through boto3, and the outcome of each answer.

Imported by the first call: a web process makes none, and boto3 would take a tenth of its memory.
"""

from __future__ import annotations

import json
import ssl
from contextlib import closing
from typing import Any

import botocore.exceptions as boto_errors
import urllib3.exceptions
from django.conf import settings

from models_registry.contracts.strict_json import read_json
from models_registry.errors import DomainError
from models_registry.handlers.arns import FunctionArn
from models_registry.handlers.lambda_clients import client, fetch_credentials
from models_registry.handlers.lambda_errors import no_credentials, outcome_of_error, own_words
from models_registry.handlers.protocol import (
    Accepted,
    Answered,
    CallError,
    Failed,
    Outcome,
    Retry,
    Unknown,
)

# What boto3 raises once the event may have gone out; its other errors come before that.
AFTER_SENDING = (boto_errors.HTTPClientError, boto_errors.IncompleteReadError)


def invoke(arn: FunctionArn, invocation_type: str, event: bytes) -> Outcome:
    """Invoke a function once and return the outcome; must be outside a transaction."""
    arguments = {
        "FunctionName": arn.unqualified,
        "InvocationType": invocation_type,
        "Payload": event,
    }
    if arn.qualifier is not None:
        arguments["Qualifier"] = arn.qualifier
    try:
        fetch_credentials()
    except Exception as error:  # whatever gives them, nothing was sent to Lambda
        return Retry(no_credentials(error, arn))
    try:
        response = client(arn.region, invocation_type).invoke(**arguments)
        if invocation_type != "RequestResponse":
            # The connection is not kept for the next event: a dead one may be noticed only after
            # sending, and then nobody would know until the deadline whether the event arrived.
            response["Payload"].close()
            return Accepted(response["ResponseMetadata"].get("RequestId", ""))
        payload = _read(response["Payload"])
    except boto_errors.ClientError as error:
        return outcome_of_error(error, arn)
    except (boto_errors.BotoCoreError, urllib3.exceptions.HTTPError, OSError) as error:
        return _outcome_of_exception(error, arn)
    return _outcome_of_answer(arn, response.get("FunctionError"), payload)


def _read(body: Any) -> bytes:
    """Read an answer up to one byte over the limit. Raises when it stops before its end."""
    limit = settings.LAMBDA_SYNC_LIMIT_BYTES
    with closing(body):
        payload: bytes = body.read(limit + 1)
        if len(payload) <= limit:
            body.read(1)  # only at the end does botocore compare with Content-Length
    return payload


def _outcome_of_exception(error: Exception, arn: FunctionArn) -> Outcome:
    """Return Retry for a call that was never sent, Unknown for one without an answer."""
    if isinstance(error, boto_errors.ConnectionError):
        # An SSLError may also come in the middle of the answer; a certificate's only before.
        if not isinstance(error, boto_errors.SSLError) or _is_of_certificate(error):
            return Retry(_network_error("lambda_unreachable", arn, error))
    elif isinstance(error, boto_errors.BotoCoreError) and not isinstance(error, AFTER_SENDING):
        return Retry(no_credentials(error, arn))
    return Unknown(_network_error("lambda_no_answer", arn, error))


def _is_of_certificate(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _network_error(code: str, arn: FunctionArn, error: Exception) -> CallError:
    return {
        "code": code,
        "message": f"The call of {arn} got no answer.",
        "type": type(error).__name__,
    }


def _outcome_of_answer(arn: FunctionArn, function_error: str | None, payload: bytes) -> Outcome:
    if function_error is not None:
        return Failed(_function_error(arn, payload))
    if len(payload) > settings.LAMBDA_SYNC_LIMIT_BYTES:
        return Failed(_bad_output(arn, "It is larger than Lambda's limit."))
    try:
        answer = read_json(payload, depth_limit=settings.JSON_DEPTH_LIMIT)
    except DomainError as error:
        faults = [f"{fault.path}: {fault.message}" for fault in error.faults]
        return Failed(_bad_output(arn, "; ".join(faults) or error.message))
    if not isinstance(answer, dict):
        return Failed(_bad_output(arn, "It is not a JSON object."))
    return Answered(answer)


def _function_error(arn: FunctionArn, payload: bytes) -> CallError:
    """Return Lambda's own error type and message; the stack trace stays with Lambda.

    Read leniently: an explanation of a failure need not follow the rules for outputs.
    """
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        answer = {"errorMessage": payload.decode(errors="replace")}
    return {
        "code": "lambda_function_error",
        "message": f"{arn} failed.",
        "type": own_words(answer.get("errorType", "Unknown")),
        "details": own_words(answer.get("errorMessage", "")),
    }


def _bad_output(arn: FunctionArn, reason: str) -> CallError:
    return {
        "code": "lambda_bad_output",
        "message": f"What {arn} returned can't be its output.",
        "details": own_words(reason),
    }
