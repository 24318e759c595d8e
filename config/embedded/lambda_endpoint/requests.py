"""Parses the URL of an Invoke request: function name or ARN, and qualifier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class LambdaError(Exception):
    """An error response in Lambda's format; `more` adds members to its body."""

    def __init__(self, status: int, error_type: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.body = {"Type": "User", "Message": message, "message": message, **more}


PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# A name, a partial ARN or a full ARN, with or without a qualifier.
FUNCTION = re.compile(
    r"(?:arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>[0-9]{12}):)?"
    r"(?:function:)?(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)


@dataclass(frozen=True)
class FunctionReference:
    """A function, and the qualifier of the call if it has one."""

    name: str
    qualifier: str | None
    partition: str
    region: str
    account: str

    @property
    def arn(self) -> str:
        """The ARN, with defaults for the parts that a bare name omits."""
        arn = f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"
        return f"{arn}:{self.qualifier}" if self.qualifier else arn

    @property
    def version(self) -> str:
        """The version that runs; there are no aliases here, so each means $LATEST."""
        is_number = self.qualifier is not None and self.qualifier.isdecimal()
        return self.qualifier if self.qualifier is not None and is_number else "$LATEST"


def parse_target(target: str) -> FunctionReference:
    """Parse the request target. Raises LambdaError if it is not an Invoke."""
    url = urlsplit(target)
    match = PATH.fullmatch(url.path)
    function = FUNCTION.fullmatch(unquote(match[1])) if match else None
    if function is None:
        raise LambdaError(400, "InvalidParameterValueException", "The request is not an Invoke.")
    (requested,) = parse_qs(url.query).get("Qualifier", [None])[:1]
    if requested and function["qualifier"] not in (None, requested):
        message = (
            "The derived qualifier from the function name does not match the specified qualifier."
        )
        raise LambdaError(400, "InvalidParameterValueException", message)
    return FunctionReference(
        name=function["name"],
        qualifier=requested or function["qualifier"],
        partition=function["partition"] or "aws",
        region=function["region"] or "us-west-2",
        account=function["account"] or "123456789012",
    )
