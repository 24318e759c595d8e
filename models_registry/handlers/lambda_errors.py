"""Errors of `lambda:Invoke`: which of them the job retries, and their codes."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from models_registry.contracts.strict_json import UNSTORABLE
from models_registry.handlers.arns import FunctionArn
from models_registry.handlers.protocol import CallError, Failed, Outcome, Retry

logger = logging.getLogger(__name__)

THROTTLED, TOO_MANY = "lambda_throttled", HTTPStatus.TOO_MANY_REQUESTS
# Lambda's own error codes (the Lambda API's Invoke, "Errors"): the stable code that the job shows.
PASSING = {
    "TooManyRequestsException": THROTTLED,
    "ThrottlingException": THROTTLED,
    "EC2ThrottledException": THROTTLED,
    "ServiceException": "lambda_unavailable",
    "ResourceNotReadyException": "lambda_not_ready",
    "ResourceConflictException": "lambda_not_ready",
    "SnapStartNotReadyException": "lambda_not_ready",
    "SnapStartTimeoutException": "lambda_not_ready",
    "CodeArtifactUserPendingException": "lambda_not_ready",
    "ENINotReadyException": "lambda_not_ready",
    "ENILimitReachedException": "lambda_not_ready",
    "SubnetIPAddressLimitReachedException": "lambda_not_ready",
    "EC2UnexpectedException": "lambda_not_ready",
    "EFSMountTimeoutException": "lambda_not_ready",
    "EFSMountConnectivityException": "lambda_not_ready",
    "EFSIOException": "lambda_not_ready",
    "S3FilesMountTimeoutException": "lambda_not_ready",
    "S3FilesMountConnectivityException": "lambda_not_ready",
    # Not Lambda's own but of every AWS service: the worker's session has expired.
    "ExpiredTokenException": "lambda_no_credentials",
}
LASTING = {
    "ResourceNotFoundException": "lambda_not_found",
    "NoPublishedVersionException": "lambda_not_found",
    "AccessDeniedException": "lambda_access_denied",
    "UnrecognizedClientException": "lambda_access_denied",
    "InvalidSignatureException": "lambda_access_denied",
    "RequestTooLargeException": "lambda_event_too_large",
    # What Lambda really sends in its place; the model of its API does not have it.
    "RequestEntityTooLargeException": "lambda_event_too_large",
    "SerializedRequestEntityTooLargeException": "lambda_event_too_large",
    "InvalidRequestContentException": "lambda_bad_request",
    "InvalidParameterValueException": "lambda_bad_request",
    "UnsupportedMediaTypeException": "lambda_bad_request",
    "ModeNotSupportedException": "lambda_bad_request",
    "ServiceQuotaExceededException": "lambda_quota_exceeded",
    "RecursiveInvocationException": "lambda_recursion",
    "DurableExecutionAlreadyStartedException": "lambda_bad_request",
    "KMSAccessDeniedException": "lambda_misconfigured",
    "KMSDisabledException": "lambda_misconfigured",
    "KMSInvalidStateException": "lambda_misconfigured",
    "KMSNotFoundException": "lambda_misconfigured",
    "EC2AccessDeniedException": "lambda_misconfigured",
    "EFSMountFailureException": "lambda_misconfigured",
    "S3FilesMountFailureException": "lambda_misconfigured",
    "InvalidRuntimeException": "lambda_misconfigured",
    "InvalidSecurityGroupIDException": "lambda_misconfigured",
    "InvalidSubnetIDException": "lambda_misconfigured",
    "InvalidZipFileException": "lambda_misconfigured",
    "CodeArtifactUserDeletedException": "lambda_misconfigured",
    "CodeArtifactUserFailedException": "lambda_misconfigured",
    "RuntimeAliasDeletedException": "lambda_misconfigured",
    "RuntimeVersionDeletedException": "lambda_misconfigured",
    "SnapStartException": "lambda_misconfigured",
    "SnapStartRegenerationFailureException": "lambda_misconfigured",
}
# The longest error text of the other side that is kept, in characters.
TEXT_LIMIT = 2000


def own_words(value: Any) -> str:
    """Return an error text of the other side in a form that a row and an answer can hold."""
    return UNSTORABLE.sub("\ufffd", str(value))[:TEXT_LIMIT]


def outcome_of_error(error: ClientError, arn: FunctionArn) -> Outcome:
    """Return whether the call may be tried again, with an error that names the function.

    An error that is not in the tables is judged by its status: 429 and 5xx may pass.
    """
    if error.operation_name != "Invoke":
        return Retry(no_credentials(error, arn))  # boto3 asked STS or SSO, and got no further
    response: Any = error.response
    described_by_aws: dict[str, Any] = response.get("Error", {})
    name = str(described_by_aws.get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    passes = name in PASSING or (name not in LASTING and (status == TOO_MANY or status >= 500))
    code = PASSING.get(name) or LASTING.get(name)
    if code is None:
        code = "lambda_unavailable" if passes else "lambda_refused"
        code = THROTTLED if status == TOO_MANY else code
    described: CallError = {
        "code": code,
        "message": f"Lambda refused the call of {arn} ({status}).",
        "type": own_words(name),
        "details": own_words(described_by_aws.get("Message", "")),
    }
    if "Reason" in response:
        described["reason"] = own_words(response["Reason"])
    return Retry(described, throttled=code == THROTTLED) if passes else Failed(described)


def no_credentials(error: Exception, arn: FunctionArn) -> CallError:
    """Return the error of a call that was never sent, for want of credentials or settings.

    The deployment is at fault and can be repaired, so the job is retried. boto3's text may name
    roles and accounts: it goes to the log and not to the job.
    """
    logger.error("lambda.no_credentials %r", str(error))
    return {
        "code": "lambda_no_credentials",
        "message": f"{arn} was not called: boto3 found no AWS credentials to use.",
        "type": type(error).__name__,
    }
