"""Calls of AWS Lambda functions through boto3: what is sent, and what the answer means.

Imported by the first call: a web process makes none, and boto3 would be a tenth of its memory.
"""

from __future__ import annotations

import functools
import json
import ssl
import threading
from contextlib import closing
from typing import Any

import boto3
import botocore.exceptions as boto_errors
import urllib3.exceptions
from botocore.config import Config
from django.conf import settings

from models_registry.errors import DomainError
from models_registry.handlers.arns import FunctionArn
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
from models_registry.strict_json import read_json

# What boto3 raises once the event may have gone out; its other errors come before that.
AFTER_SENDING = (boto_errors.HTTPClientError, boto_errors.IncompleteReadError)
# boto3 makes clients safely from one thread at a time.
_client_lock = threading.Lock()


def invoke(arn: FunctionArn, invocation_type: str, event: bytes) -> Outcome:
    """Invoke a function once and say what became of it; must be outside a transaction."""
    arguments = {
        "FunctionName": arn.unqualified,
        "InvocationType": invocation_type,
        "Payload": event,
    }
    if arn.qualifier is not None:
        arguments["Qualifier"] = arn.qualifier
    try:
        response = client(arn.region, invocation_type).invoke(**arguments)
        if invocation_type != "RequestResponse":
            # Not kept for the next event: that a kept connection is dead may show only after
            # sending, and whether the event arrived nobody would know until the job's deadline.
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
    """Tell a call that was never sent, which may be tried again, from one without an answer."""
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

    Read leniently: what explains a failure must not be lost to the rules for outputs.
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


def client(region: str, invocation_type: str) -> Any:
    """Return the boto3 client for a region; the time-outs go by the invocation type."""
    read_timeout = (
        settings.LAMBDA_SYNC_READ_TIMEOUT_SECONDS
        if invocation_type == "RequestResponse"
        else settings.LAMBDA_EVENT_READ_TIMEOUT_SECONDS
    )
    with _client_lock:
        return _make_client(region, settings.LAMBDA_ENDPOINT_URL, read_timeout)


@functools.lru_cache(maxsize=64)
def _make_client(region: str, endpoint_url: str | None, read_timeout: int) -> Any:
    # The local endpoint checks no signature, but boto3 won't send a request without one.
    local = settings.EMBEDDED and endpoint_url is not None
    keys: Any = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if local else {}
    config = Config(
        connect_timeout=settings.LAMBDA_CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout,
        # One call is one call: what is tried again, and when, is decided by the job's row.
        retries={"total_max_attempts": 1},
        max_pool_connections=50,
        # None is what the environment says; no proxy leads to this very machine.
        proxies={} if local else None,
    )
    return boto3.session.Session().client(
        "lambda", region_name=region, endpoint_url=endpoint_url, config=config, **keys
    )
